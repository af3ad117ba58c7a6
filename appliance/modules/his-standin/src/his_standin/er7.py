"""Writes HL7 v2.5.1 text (ER7): segments from numbered fields, delimiters in values escaped."""

CHARSET = "gb18030"
_ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": " ", "\n": " "}


def message(kind: str, control: str, at: str, *segments: str) -> str:
    """Return a message of this kind and control id; `at` is an HL7 timestamp."""
    head = {
        2: "^~\\&", 3: "HIS", 4: "HOSPITAL", 5: "HBOX-APPT", 6: "HBOX", 7: at, 9: kind, 10: control,
        11: "P", 12: "2.5.1", 17: "CHN", 18: "GB 18030-2000",
    }  # fmt: skip
    first = "MSH|" + "|".join(head.get(i, "") for i in range(2, 19))
    return "\r".join((first, *segments)) + "\r"


def segment(name: str, fields: dict[int, str]) -> str:
    """Return one segment; fields that are not given stay empty."""
    return "|".join((name, *(fields.get(i, "") for i in range(1, max(fields) + 1))))


def escaped(text: str) -> str:
    """Return `text` without anything that would be taken for a delimiter."""
    return "".join(_ESCAPES.get(c, c) for c in text)

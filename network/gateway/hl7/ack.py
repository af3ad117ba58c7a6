"""Acknowledgements of HL7 v2: ours to a sender in its own mode, and what a receiver's means."""

import re
from dataclasses import dataclass

from appliance.clock import now
from appliance.errors import BoxError, Text
from network.gateway.hl7.charset import codec_of, encoded
from network.gateway.hl7.escapes import escaped
from network.gateway.hl7.message import STANDARD, Head, Separators, head_for_answer, head_of
from network.gateway.records import sm3
from network.gateway.refusals import BodyRefused

_OURS = "HBOX"
_VERSION = re.compile(r"2\.\d(\.\d)?")
_NO_HEAD = Head(STANDARD, "gb18030", ("MSH", STANDARD.encoding, *[""] * 15, "GB 18030-2000"))
_KNOWN = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})


@dataclass(frozen=True, slots=True)
class Ack:
    """MSA-1 and MSA-2 of a receiver's answer."""

    code: str
    control: str


def accepted(head: Head, delivery: str) -> bytes:
    """Return the acknowledgement of a stored message, empty when the sender wants none."""
    code = _code(head, "A")
    return _rendered(head, code, delivery.replace("-", "")[:20]) if code else b""


def refused(raw: bytes, charset: str, refusal: BoxError, *, again: bool) -> bytes:
    """Return the acknowledgement that says no, with the reason in Chinese and English.

    `again` says that the same message may be accepted later (AE, CE), otherwise never (AR, CR).
    """
    head = head_for_answer(raw, charset) or _NO_HEAD
    code = _code(head, "E" if again else "R")
    if not code:
        return b""
    # Equal for the same message sent again, so that a sender may know it.
    return _rendered(head, code, "R" + sm3(raw).hex()[:19], refusal)


def _code(head: Head, letter: str) -> str:
    """Original mode (MSH-15 and MSH-16 empty) or enhanced mode; empty when none is wanted."""
    accept, application = head.get(15), head.get(16)
    if accept in ("AL", "SU", "ER"):
        wish, kind = accept, "C"
    elif accept == "NE" or application:
        wish, kind = application or "NE", "A"
    else:
        wish, kind = "AL", "A"
    wanted = {"NE": False, "SU": letter == "A", "ER": letter != "A"}.get(wish, True)
    return kind + letter if wanted else ""


def _rendered(head: Head, code: str, ident: str, refusal: BoxError | None = None) -> bytes:
    sep = head.separators
    f, c = sep.field, sep.component
    event = head.get(9).split(c)
    kind = f"ACK{c}{event[1]}{c}ACK" if len(event) > 1 and _plain(event[1]) else "ACK"
    version = head.get(12).split(c)[0]
    msh = f.join(
        (
            "MSH", sep.encoding, _OURS, "", _back(head, 3), _back(head, 4),
            now().strftime("%Y%m%d%H%M%S+0000"), "", kind, ident,
            head.get(11) if head.get(11) in ("P", "D", "T") else "P",
            version if _VERSION.fullmatch(version) else "2.5.1",
            "", "", "", "", "", _charset(head),
        )
    )  # fmt: skip
    control = head.get(10)
    msa = f"MSA{f}{code}{f}{control}"
    if refusal is None:
        return encoded(f"{msh}\r{msa}\r", head.codec)
    chinese = head.codec in ("gb18030", "utf-8")
    said = _words([refusal.message], sep, chinese=chinese)[:300]
    err = _err(refusal, sep, chinese=chinese)
    return encoded(f"{msh}\r{msa}{f}{said}\r{err}\r", head.codec)


def _words(texts: list[Text], sep: Separators, *, chinese: bool) -> str:
    """Chinese first where the charset has it, English beside it."""
    english = " ".join(text.en for text in texts)
    told = "".join(text.zh for text in texts) + " " + english if chinese else english
    return escaped(told, sep)


def _err(refusal: BoxError, sep: Separators, *, chinese: bool) -> str:
    """ERR of v2.5: location, code of table 0357, severity, our code, and the words for people."""
    number = refusal.fields.get("hl7", _ERRORS.get(refusal.code, 207))
    place = str(refusal.fields.get("path", "")).split("-")
    where = sep.component.join((place[0], "1", place[1])) if len(place) == 2 else ""
    advice = _words([refusal.message, refusal.advice], sep, chinese=chinese)
    return sep.field.join(
        (
            "ERR", "", where, f"{number}{sep.component}{sep.component}HL70357", "E",
            refusal.code, "", "", advice[:900],
        )
    )  # fmt: skip


_ERRORS = {
    "gateway.no_channel": 200,
    "gateway.body_refused": 102,
    "gateway.bad_mllp": 100,
}


def _charset(head: Head) -> str:
    named = head.get(18).split(head.separators.repetition)[0]
    return named if not named or codec_of(named) else "ASCII"


def _back(head: Head, number: int) -> str:
    value = head.get(number)
    return value if len(value) <= 227 and "<" not in value else ""


def _plain(event: str) -> bool:
    return len(event) == 3 and event.isascii() and event.isalnum()


def read(raw: bytes) -> Ack | None:
    """Return what a receiver's answer says, or None when it is no acknowledgement of one message."""
    raw = raw.strip(b"\r\n \0")
    if raw[:3] != b"MSH" or len(raw) < 9 or raw[3:4].isalnum():
        return None
    mark = raw[3:4]
    found = [line for line in raw.replace(b"\n", b"\r").split(b"\r") if line[:4] == b"MSA" + mark]
    if len(found) != 1:
        return None
    fields = found[0].split(mark, 3)
    try:
        code, control = fields[1].decode("ascii"), fields[2].decode("ascii")
    except (IndexError, UnicodeDecodeError):
        return None
    return Ack(code, control) if code in _KNOWN else None


def control_of(raw: bytes, charset: str = "GB18030") -> str:
    """Return MSH-10 of a message, empty when it has none."""
    line = raw.partition(b"\r")[0]
    if line.isascii():  # no character hides a separator
        fields = line.split(line[3:4] or b"|", 10)
        return fields[9].decode("ascii") if len(fields) > 9 and fields[0] == b"MSH" else ""
    try:
        return head_of(raw, charset).get(10)
    except BodyRefused:
        return ""


def confirms(sent: bytes, got: Ack | None) -> bool:
    """Whether `got` is an acknowledgement of exactly the message `sent`, whatever it says."""
    return got is not None and bool(got.control) and got.control == control_of(sent)

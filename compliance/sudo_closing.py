"""Takes out of sudoers what the check finds wrong there: run by the role `accounts`, as a module of Ansible's.

    python -I -m compliance.sudo_closing ARGUMENTS.json

With `_ansible_check_mode` in ARGUMENTS.json nothing is changed. It answers in JSON what changed, or would. Each
statement is read by sudo's own parser and judged as the check judges it, so what is mended is what was found; what
that parser does not read is a person's, and a file that `visudo` does not take is left as it was, and told.
"""

import json
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from appliance.errors import BoxError
from appliance.files import write_atomically
from appliance.host import LocalHost
from compliance import sudo

_OWN = re.compile(rf'\s*[@#]includedir\s+"?{re.escape(sudo.FOLDER)}/?"?\s*')
"""The statement that includes the folder whose files are mended themselves."""
_UNREAD = 1  # the parser's exit code; any other is no answer
_FREE = re.compile(r"\bNOPASSWD\s*:\s*")
_UNASKED = re.compile(r"!\s*authenticate\b")


@dataclass(frozen=True)
class Statement:
    """One statement as it stands in a file of `folder`, and what sudo's parser makes of it: None if nothing."""

    text: str
    folder: Path
    told: sudo.Told | None


def files(root: str = "/") -> list[Path]:
    """Return sudoers and the files of its folder that sudo reads; without sudoers it reads none."""
    main = Path(root, sudo.MAIN.lstrip("/"))
    held = sorted(Path(root, sudo.FOLDER.lstrip("/")).glob("*"))
    read = [one for one in held if one.is_file() and "." not in one.name and one.name[-1] != "~"]
    return [main, *read] if main.is_file() else []


def statements(text: str, folder: Path) -> Iterator[Statement]:
    """Yield the statements of a file; their texts together are the file.

    A backslash at the end of a line continues it if the parser does not read the line by itself: it takes no
    statement whose continuation is missing.
    """
    held = ""
    for row in re.findall(r".*\n|.+", text):
        held += row
        told = _told(held, folder)
        if told is not None or not row.rstrip().endswith("\\"):
            yield Statement(held, folder, told)
            held = ""
    if held:
        yield Statement(held, folder, None)


def _told(text: str, folder: Path) -> sudo.Told | None:
    # A relative path is included from the folder of the file that names it.
    result = LocalHost().run(
        ["env", "-C", str(folder), *sudo.READER, "json", "-"],
        stdin=text.encode("utf-8", "surrogateescape"),
        check=False,
    )
    if result.code != _UNREAD:
        result.well(sudo.READER[0])
    return sudo.read(result.text, result.code)


def close(root: str = "/", *, dry: bool = False) -> list[tuple[Path, str, str]]:
    """Mend every file; return path, text before and after of each that was wrong.

    Raises `BoxError` where `visudo` refuses what a file would become; the files before it are mended by then.
    """
    texts = {path: path.read_text("utf-8", "surrogateescape") for path in files(root)}
    read = {path: list(statements(text, path.parent)) for path, text in texts.items()}
    known: dict[str, Any] = {}
    for one in chain.from_iterable(read.values()):
        known |= (one.told or {}).get("Command_Aliases", {})
    made = {path: "".join(_mended(one, known) for one in held) for path, held in read.items()}
    wrong = [(path, text, made[path]) for path, text in texts.items() if made[path] != text]
    for path, _, text in [] if dry else wrong:
        _replace(path, text)
    return wrong


def _mended(one: Statement, known: sudo.Aliases) -> str:
    """Return the statement without what is wrong: a password is asked again, or it is a comment."""
    if one.told is None or not sudo.faults(one.told, known) or _OWN.fullmatch(one.text):
        return one.text
    asked = _FREE.sub("", _UNASKED.sub("authenticate", one.text))
    owned = sudo.owners(one.told.get("User_Specs", ()))
    told = _told(asked, one.folder) if owned else None
    if told is not None and not sudo.faults(told, known):
        return asked
    return re.sub(r"(?m)^(?!# hbox: )(?=.)", "# hbox: ", one.text)


def _replace(path: Path, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    # sudo does not read a file whose name has a dot in it.
    trial = path.with_name(f"{path.name}.hbox")
    mode = stat.S_IMODE(path.stat().st_mode)
    try:
        write_atomically(trial, data, mode=0o440)
        LocalHost().run(["visudo", "-cf", str(trial)])
    finally:
        trial.unlink(missing_ok=True)
    write_atomically(path, data, mode=mode)


def answer(asked: dict[str, Any], root: str = "/") -> dict[str, Any]:
    """Do what Ansible asks; return what it is told: whether something changed, and the diff."""
    wrong = close(root, dry=bool(asked.get("_ansible_check_mode")))
    return {
        "changed": bool(wrong),
        "diff": [
            {"before_header": str(path), "after_header": str(path), "before": text, "after": made}
            for path, text, made in wrong
        ],
    }


def main(arguments: list[str]) -> int:
    """Answer the arguments in that file; what fails is told as Ansible reads it."""
    try:
        told = answer(json.loads(Path(arguments[0]).read_bytes()))
    except (OSError, ValueError, BoxError) as error:
        told = {"failed": True, "msg": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(told) + "\n")
    return int("failed" in told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

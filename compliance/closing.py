"""Closes what the walk over all files finds open: run by the role `files`, as a module of Ansible's.

    python -I -m compliance.closing ARGUMENTS.json

ARGUMENTS.json holds `what`: `rights` (of programs that nobody meant to have another's), `strays` (files
that anybody may write, and those of nobody) or `all` (both, in one walk); with `_ansible_check_mode` nothing is changed. It answers in JSON what changed, or would. The walk is the check's own, so what is mended is what was found; names are
taken as bytes, so that none of them can pass for another.
"""

import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance import walk
from compliance.checks.setuid_files import meant

KINDS = {
    "rights": ("setid", "caps"),
    "strays": ("open", "unowned"),
    "all": ("setid", "caps", "open", "unowned"),
}

_OFF = {"setid": 0o6000, "open": 0o002, "unowned": 0o6077, "caps": 0}
"""Bits of the mode that go."""
_GONE = 0o6002  # bits that may be gone already: a file can stand in two lines


@dataclass(frozen=True)
class Found:
    """One line of the walk: what is wrong with which file, and how it stood."""

    what: str
    mode: int
    uid: int
    gid: int
    shown: str

    @property
    def path(self) -> str:
        """The name itself."""
        return walk.read_back(self.shown)


def close(kind: str, root: str = "/", *, dry: bool = False) -> tuple[list[str], list[str]]:
    """Mend what the walk finds of that kind below `root`; return how each stood before and after.

    A second name of a program that is meant keeps its rights: taking them would take the program's own.
    """
    wanted = KINDS[kind]
    found = list(_found(root))
    spared = {_inode(one.path) for one in found if one.what == "setid" and meant(one.shown)}
    before, after, gone = [], [], dict[str, int]()
    for one in found:
        if one.what not in wanted or (one.what == "setid" and _inode(one.path) in spared):
            continue
        if dry or _mend(one):
            before.append(f"{one.mode:04o} {one.uid}:{one.gid} {one.shown} {one.what}")
            gone[one.shown] = gone.get(one.shown, 0) | _OFF[one.what]
            after.append(_wanted(one, gone[one.shown]))
    return before, after


def _found(root: str) -> Iterator[Found]:
    for line in walk.lines(root):
        what, _, rest = line.partition(" ")
        if what not in ("end", "cut"):
            mode, uid, gid, shown = rest.split(" ", 3)
            yield Found(what, int(mode, 8), int(uid), int(gid), shown)


def _inode(path: str) -> tuple[int, int]:
    try:
        held = os.lstat(path)
    except OSError:
        return (0, 0)  # it went meanwhile
    return (held.st_dev, held.st_ino)


def _owner(one: Found) -> tuple[int, int]:
    return (0, 0) if one.what == "unowned" else (one.uid, one.gid)


def _wanted(one: Found, off: int) -> str:
    uid, gid = _owner(one)
    return f"{one.mode & ~off:04o} {uid}:{gid} {one.shown}"


def _mend(one: Found) -> bool:
    """Close it, unless it is no longer what the walk met; return whether it was done."""
    try:
        descriptor = os.open(one.path, os.O_PATH | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        held = os.fstat(descriptor)
        bits = stat.S_IMODE(held.st_mode) ^ one.mode
        if (bits & ~_GONE, held.st_uid, held.st_gid) != (0, one.uid, one.gid):
            return False
        _apply(one, f"/proc/self/fd/{descriptor}", held)
    finally:
        os.close(descriptor)
    return True


def _apply(one: Found, place: str, held: os.stat_result) -> None:
    if one.what == "caps":
        os.removexattr(place, walk.CAPABILITY)
        return
    if one.what == "unowned":
        os.chown(place, *_owner(one))
    if not stat.S_ISLNK(held.st_mode):  # a link has no mode of its own
        Path(place).chmod(stat.S_IMODE(held.st_mode) & ~_OFF[one.what])


def answer(asked: dict[str, Any], root: str = "/") -> dict[str, Any]:
    """Do what Ansible asks; return what it is told: whether something changed, and the diff."""
    before, after = close(asked["what"], root, dry=bool(asked.get("_ansible_check_mode")))
    diff = {
        "before_header": asked["what"], "after_header": asked["what"],
        "before": "".join(f"{line}\n" for line in before),
        "after": "".join(f"{line}\n" for line in after),
    }  # fmt: skip
    return {"changed": bool(after), "diff": diff}


def main(arguments: list[str]) -> int:
    """Answer the arguments in that file; what fails is told as Ansible reads it."""
    try:
        told = answer(json.loads(Path(arguments[0]).read_bytes()))
    except (OSError, ValueError, KeyError) as error:
        told = {"failed": True, "msg": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(told) + "\n")
    return int("failed" in told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

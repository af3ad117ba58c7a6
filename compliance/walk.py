"""One bounded walk of the root file system, shared by every check that needs one.

    python -I -m compliance.walk [ROOT]

It prints a line for each thing a check looks for: `WHAT MODE UID GID PATH`, where WHAT is `open`
(anybody may write), `unowned` (no account or group has it), `setid` (a program with another's
rights), `twin` (one of those that has several names; its inode in octal stands for the mode) or `caps` (a program with some of root's). The last line is `end N SECONDS`; a walk that met its bounds ends with `cut` instead.
A name is told as `shown` says it: whatever it is made of, it stays on its line and `read_back` returns it.
"""

import grp
import os
import pwd
import re
import stat
import sys
from collections.abc import Iterator

from appliance.clock import monotonic

# Large, and other checks look at their modes: disks of VMs and the shipped images.
LEFT_OUT = frozenset(("/proc", "/sys", "/dev", "/run", "/var/lib/hbox/volumes", "/usr/share/hbox"))
LONGEST = 60.0  # seconds; a few on a quiet machine
MOST = 2_000_000  # entries
CAPABILITY = "security.capability"
_ESCAPE = re.compile(r"\\(?:(n)|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(\\))")
_BYTES = 0xDC00  # where Python puts a byte of a name that is no UTF-8


def lines(root: str) -> Iterator[str]:
    """Yield the lines about everything below `root` on the same file system."""
    users = {one.pw_uid for one in pwd.getpwall()}
    groups = {one.gr_gid for one in grp.getgrall()}
    began, seen = monotonic(), 0
    device = os.lstat(root).st_dev
    folders = [root]
    while folders:
        for entry in _entries(folders.pop()):
            seen += 1
            found = _look(entry)
            if found is None:
                continue
            yield from _said(entry.path, found, users, groups)
            if (
                stat.S_ISDIR(found.st_mode)
                and found.st_dev == device
                and entry.path not in LEFT_OUT
            ):
                folders.append(entry.path)
        if seen > MOST or monotonic() - began > LONGEST:
            yield f"cut {seen} {monotonic() - began:.1f}"
            return
    yield f"end {seen} {monotonic() - began:.1f}"


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []  # it went meanwhile


def _look(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _said(path: str, found: os.stat_result, users: set[int], groups: set[int]) -> Iterator[str]:
    mode = found.st_mode
    line = f"{stat.S_IMODE(mode):o} {found.st_uid} {found.st_gid} {shown(path)}"
    if path in LEFT_OUT:
        return
    plain, folder = stat.S_ISREG(mode), stat.S_ISDIR(mode)
    if mode & stat.S_IWOTH and (plain or (folder and not mode & stat.S_ISVTX)):
        yield f"open {line}"
    if found.st_uid not in users or found.st_gid not in groups:
        yield f"unowned {line}"
    if plain and mode & (stat.S_ISUID | stat.S_ISGID) and mode & 0o111:
        yield f"setid {line}"
        if found.st_nlink > 1:
            yield f"twin {found.st_ino:o} {found.st_uid} {found.st_gid} {shown(path)}"
    if plain and mode & 0o111 and capability(path):
        yield f"caps {line}"


def shown(path: str) -> str:
    r"""Return a path on one line, all of it to be seen: `\n`, `\xNN` (a byte), `\uNNNN`, `\\` for the rest. Pure.

    Else a line break of any kind, or letters that run backwards, would make a stranger's name look like a meant one.
    """
    return "".join(c if c.isprintable() and c != "\\" else _escaped(c) for c in path)


def read_back(text: str) -> str:
    """Return the path that `shown` told so. Pure."""
    return _ESCAPE.sub(_meant, text)


def _escaped(char: str) -> str:
    number = ord(char)
    if char in "\\\n":
        return {"\\": "\\\\", "\n": "\\n"}[char]
    if number < 0x80 or _BYTES + 0x80 <= number <= _BYTES + 0xFF:
        return f"\\x{number & 0xFF:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _meant(found: re.Match[str]) -> str:
    newline, byte, short, long, _ = found.groups()
    if newline:
        return "\n"
    if byte:
        number = int(byte, 16)
        return chr(number if number < 0x80 else _BYTES + number)
    return chr(int(short or long, 16)) if short or long else "\\"


def capability(path: str) -> bytes:
    """Return the capabilities that a file carries, b"" for none."""
    try:
        return os.getxattr(path, CAPABILITY, follow_symlinks=False)
    except OSError:
        return b""  # none there, or a file system that has none


def main(arguments: list[str]) -> int:
    """Print the lines; other programs come first (nice), since hospitals work meanwhile."""
    os.nice(5)
    for line in lines(arguments[0] if arguments else "/"):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

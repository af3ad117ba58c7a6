"""What files and units were before a change, and putting them back byte for byte: runs on the node itself.

Needs nothing but Python's own library and systemctl: it must work when nobody can log in any more.
"""

import base64
import contextlib
import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compliance.remedies.model import ADDRESSES, MADE, MODES, OPEN, RULES, TREE
from compliance.walk import CAPABILITY, LEFT_OUT, capability

FORMAT = 1
_OPEN = stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH
LARGEST = 64 << 20  # bytes of one file; a surface is of settings
# These change by themselves: a lock, the clock's drift, a lease's name servers, the linker's index.
VOLATILE = frozenset(
    {"/etc/.pwd.lock", "/etc/adjtime", "/etc/mtab", "/etc/resolv.conf", "/etc/ld.so.cache"}
)
_CONTENT, _RIGHTS = ("kind", "sha256", "target", "xattr"), ("mode", "uid", "gid", "caps")
KERNEL = "/proc/"  # written in place: no file can be renamed there, and interfaces come and go

Entry = dict[str, Any]
Entries = dict[str, Entry]


class TooLargeToKeep(ValueError):
    """A file of the surface is no setting: it is too large to be kept."""


def capture(
    patterns: Sequence[str],
    *,
    root: str = "",
    data: bool = True,
    known: Iterable[str] | Entries = (),
) -> Entries:
    """Return every file, folder and link of the patterns by path: kind, mode, owner, xattrs, SHA-256.

    With `data` the bytes too, in base64. `known` paths (or entries) are looked at also where no pattern
    finds them any more. Paths are as the node sees them; `root` lies before them.
    """
    found: Entries = {}
    for path, bits in _paths(patterns, root):
        if path not in VOLATILE and path not in found:
            _add(found, path, _entry(root + path, bits=bits, data=data))
    for path in known:
        if path not in found:
            bits = isinstance(known, Mapping) and known[path]["kind"] == "mode"
            _add(found, path, _entry(root + path, bits=bits, data=False))
    return found


def differences(before: Mapping[str, Entry], now: Mapping[str, Entry]) -> dict[str, str]:
    """Return what differs: path -> `changed`, `mode` (that or the owner alone), `new` or `gone`. Pure.

    Times do not count, nor that a file came or went of which only the mode is kept, nor a switch of
    the kernel's that came or went with its interface.
    """
    told: dict[str, str] = {}
    for path in sorted({*before, *now}):
        old, new = before.get(path), now.get(path)
        if old is None or new is None:
            held = old or new or {"kind": "mode"}
            lasts = held["kind"] != "mode" and not path.startswith(KERNEL)
            told |= {path: "new" if old is None else "gone"} if lasts else {}
        elif not _same(old, new, _CONTENT) and "mode" not in (old["kind"], new["kind"]):
            told[path] = "changed"
        elif not _same(old, new, _RIGHTS):
            told[path] = "mode"
    return told


def put_back(before: Mapping[str, Entry], patterns: Sequence[str], *, root: str = "") -> list[str]:
    """Bring everything of the patterns back to `before`; return the paths that were not as they had been.

    Switches of the kernel's twice: one that turns forwarding on or off lets it set others anew
    (`inet_forward_change` does so with accept_redirects).
    """
    moved = _put_back(before, patterns, root)
    again = any(path.startswith(KERNEL) for path in moved)
    return sorted({*moved, *(_put_back(before, patterns, root) if again else ())})


def _put_back(before: Mapping[str, Entry], patterns: Sequence[str], root: str) -> list[str]:
    now = capture(patterns, root=root, data=False, known=before)
    moved = differences(before, now)
    for path in sorted(moved, reverse=True):  # what lies in a folder goes before the folder
        if moved[path] == "new" or _other_kind(before.get(path), now.get(path)):
            _remove(Path(root + path))
    for path in sorted(moved):
        if path in before:
            _write(Path(root + path), before[path])
    return list(moved)


def hits(root: str, pattern: str) -> list[str]:
    """Return the paths of one pattern that are there, a literal name before its meaning as a pattern."""
    if os.path.lexists(root + pattern):
        return [pattern]
    found = Path(root or "/").glob(pattern.lstrip("/"))
    return sorted(str(path)[len(root) :] for path in found)


def without_data(entries: Mapping[str, Entry]) -> Entries:
    """Return the entries without their bytes: enough to see a change, nothing to read. Pure."""
    return {p: {k: v for k, v in one.items() if k != "data"} for p, one in entries.items()}


def _paths(patterns: Sequence[str], root: str) -> Iterator[tuple[str, bool]]:
    """Give (path, whether owner and mode alone count)."""
    for pattern in patterns:
        bare = pattern.removeprefix(MODES)
        if pattern.startswith(OPEN):
            yield from ((path, True) for path in _open_files(root, pattern.removeprefix(OPEN)))
        elif pattern not in (RULES, ADDRESSES) and not pattern.startswith(MADE):
            found = _tree if bare.endswith(TREE) else hits
            yield from ((path, bare != pattern) for path in found(root, bare.removesuffix(TREE)))


def _tree(root: str, folder: str) -> Iterator[str]:
    if os.path.lexists(root + folder):
        yield folder
    for place, folders, files in os.walk(root + folder):
        for name in sorted([*folders, *files]):
            yield f"{place.rstrip('/')}/{name}"[len(root) :]


def _open_files(root: str, folder: str) -> Iterator[str]:
    """Give what the checks' own walk would find there, on the same file system."""
    top = root + folder
    users = {one.pw_uid for one in pwd.getpwall()}
    groups = {one.gr_gid for one in grp.getgrall()}
    for place, folders, files in os.walk(top):
        if place != top and (place[len(root) :] in LEFT_OUT or os.path.ismount(place)):
            folders.clear()
            continue
        for name in [*folders, *files]:
            path = f"{place.rstrip('/')}/{name}"
            with contextlib.suppress(OSError):
                held = os.lstat(path)
                strange = held.st_uid not in users or held.st_gid not in groups
                if strange or _is_open(held.st_mode) or _caps(path, held.st_mode):
                    yield path[len(root) :]


def _is_open(mode: int) -> bool:
    """Whether anybody may write it (a folder without the sticky bit), or a program has another's rights."""
    if stat.S_ISDIR(mode):
        return bool(mode & stat.S_IWOTH and not mode & stat.S_ISVTX)
    return bool(mode & _OPEN and stat.S_ISREG(mode))


def _caps(path: str, mode: int) -> bytes:
    """Return what a program carries of root's rights."""
    return capability(path) if stat.S_ISREG(mode) and mode & 0o111 else b""


def _add(found: Entries, path: str, entry: Entry | None) -> None:
    if entry is not None:
        found[path] = entry


def _entry(path: str, *, bits: bool, data: bool) -> Entry | None:
    """Return what there is; None for nothing, or for bytes of what is neither file, folder nor link."""
    try:
        held = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    entry: Entry = {"mode": stat.S_IMODE(held.st_mode), "uid": held.st_uid, "gid": held.st_gid}
    if stat.S_ISLNK(held.st_mode):
        return {**entry, "kind": "link", "mode": 0, "target": str(Path(path).readlink())}
    if bits:
        caps = _caps(path, held.st_mode)
        return {**entry, "kind": "mode"} | (
            {"caps": base64.b64encode(caps).decode()} if caps else {}
        )
    if stat.S_ISDIR(held.st_mode):
        return {**entry, "kind": "folder", "xattr": _xattrs(path)}
    if not stat.S_ISREG(held.st_mode):
        return None
    content = _content(path, held.st_size, keep=data)
    return {**entry, "kind": "file", "xattr": _xattrs(path), **content}


def _content(path: str, size: int, *, keep: bool) -> Entry:
    if size > LARGEST:
        raise TooLargeToKeep(path)
    raw = Path(path).read_bytes()
    told: Entry = {"sha256": hashlib.sha256(raw).hexdigest()}
    return {**told, "data": base64.b64encode(raw).decode()} if keep else told


def _xattrs(path: str) -> dict[str, str]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {n: base64.b64encode(os.getxattr(path, n)).decode() for n in sorted(names)}
    except OSError:
        return {}  # a file system without them


def _same(old: Entry, new: Entry, names: Sequence[str]) -> bool:
    return all(old.get(name) == new.get(name) for name in names)


def _other_kind(old: Entry | None, new: Entry | None) -> bool:
    if old is None or new is None or "mode" in (old["kind"], new["kind"]):
        return False
    return bool(old["kind"] != new["kind"])


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()


def _write(path: Path, entry: Entry) -> None:
    kind = entry["kind"]
    if kind == "link":
        _replace(path, lambda new: new.symlink_to(entry["target"]), entry)
    elif kind == "folder":
        path.mkdir(parents=True, exist_ok=True)
        _dress(path, entry)
    elif kind == "mode":
        if os.path.lexists(path):
            _dress(path, entry)
    elif str(path).startswith(KERNEL):
        with contextlib.suppress(FileNotFoundError):  # its interface is gone
            path.write_bytes(base64.b64decode(entry["data"]))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, lambda new: _fill(new, base64.b64decode(entry["data"])), entry)


def _replace(path: Path, make: Any, entry: Entry) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}.before")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    make(new)
    _dress(new, entry)
    new.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _dress(path: Path, entry: Entry) -> None:
    """Give it its owner, its mode (after the owner: that drops setuid) and its extended attributes."""
    os.chown(path, entry["uid"], entry["gid"], follow_symlinks=False)
    if entry["kind"] != "link" and not path.is_symlink():
        path.chmod(entry["mode"])
    if "caps" in entry:  # a new owner took them away, too
        os.setxattr(path, CAPABILITY, base64.b64decode(entry["caps"]))
    wanted = entry.get("xattr")
    if wanted is None:
        return
    for name in _xattrs(str(path)).keys() - wanted.keys():
        os.removexattr(path, name)
    for name, value in wanted.items():
        os.setxattr(path, name, base64.b64decode(value))

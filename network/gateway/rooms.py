"""What of the file system each process of the gateway may see and write: a table, and its folders."""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from network.gateway.layout import SIDES, Layout

# Where other programs leave sockets and files: nobody of the gateway has business there.
_ELSEWHERE = tuple(Path(name) for name in ("/run", "/tmp", "/var/tmp", "/home"))  # noqa: S108 - to be hidden


@dataclass(frozen=True)
class Room:
    """Folders of one process: `hidden` are empty but for `shown` (read-only), `writable` and `code`.

    Nothing can be executed from what is shown or writable; `code` is read-only and can.
    """

    hidden: tuple[Path, ...]
    shown: tuple[Path, ...]
    writable: tuple[Path, ...]
    code: tuple[Path, ...] = ()


def room(layout: Layout, name: str) -> Room:
    """Return the room of `name`. No two rooms can write to one folder: processes could meet there."""
    guard = layout.spool / "guard"
    hidden = (*_ELSEWHERE, layout.folder.parent)
    code = _code(hidden)
    if name == "guard":
        # It copies what the legs offer, so it sees all; one mount, so that it can rename within.
        return Room(hidden, (layout.folder,), (layout.journal, guard), code)
    if name == "scan":
        return Room(hidden, (guard / "held", layout.clamd.parent), (), code)
    return Room(hidden, (guard / SIDES[name],), (layout.spool / SIDES[name],), code)


def _code(hidden: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the program's own folders that would be hidden: none on the box, some in a checkout."""
    own = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[2])
    found = {path.resolve() for path in own if any(path.is_relative_to(place) for place in hidden)}
    # A checkout holds its own environment: one mount shows both.
    return tuple(sorted(p for p in found if not any(q in p.parents for q in found)))


def make_folders(layout: Layout) -> None:
    """Make log, journal and spool folders, with their owners and modes; needs root."""
    accounts = {name: layout.account(name) for name in ("front", "guard", "back", "scan")}
    guard = accounts["guard"]
    root = layout.spool
    _folder(layout.folder / "log", 0, 0, 0o755)
    _folder(layout.journal, guard.uid, guard.gid, 0o700)
    _folder(root, 0, 0, 0o755)
    _folder(root / "guard", guard.uid, guard.gid, 0o711)
    _folder(root / "guard" / "held", guard.uid, accounts["scan"].gid, 0o2750)
    for name, side in SIDES.items():
        leg = accounts[name]
        _folder(root / "guard" / side, guard.uid, leg.gid, 0o2750)
        for part in ("", "in", "out", "refused"):
            _folder(root / side / part, leg.uid, guard.gid, 0o2750)


def _folder(path: Path, uid: int, gid: int, mode: int) -> None:
    # A leg owns the folder above: what it put here instead of a folder must neither lead root
    # elsewhere nor keep the gateway from starting.
    if not stat.S_ISDIR(_mode(path)):
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0

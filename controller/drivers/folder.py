"""A folder of volume files on a node, reached through `Host`: made whole, looked at, overwritten, removed."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from appliance import chance
from appliance.errors import BoxError
from appliance.host import CommandFailed, Host, LocalHost, Result
from controller.drivers import at_node, places
from controller.drivers.storage import Capacity, NoSuchVolume, StorageFull, VolumeInUse

LONG = 6 * 3600.0
"""Seconds that a copy of a whole volume may take."""

_TURN = 20.0  # seconds of overwriting in one call to the node, so that no call hangs for hours
_MIB = 1024 * 1024
_NO_ROOM = 28  # the script's exit code, as the kernel's ENOSPC
_PROGRAM = Path(at_node.__file__).read_bytes()

# A file is made under another name and renamed when it is whole and on disk.
# $1 folder, $2 name, $3 MiB wanted, $4 percent of the file system that may be used; the rest makes the
# file `.NAME.new`. The folder's mode: QEMU's own user passes through, and reads nothing else.
_MAKE = """set -e; folder=$1 name=$2 wanted=$3 part=$4; shift 4
[ -d "$folder" ] || { umask 022; mkdir -p -- "$folder"; chmod 711 -- "$folder"; }
cd -- "$folder"; umask 077
[ ! -e "$name" ] || exit 0
read -r size all free <<X
$(stat -f -c '%S %b %a' .)
X
left=$(( (all * part / 100 - all + free) * size / 1048576 ))
[ "$left" -ge "$wanted" ] || { echo "$left"; exit 28; }
rm -f -- ".$name.new"; "$@"; sync -- ".$name.new"; mv -T -- ".$name.new" "$name"; sync -- .
"""


class Folder:
    """The files below `root` on `host`; `ceiling` is the percent of the file system that may be filled."""

    def __init__(self, root: Path, host: Host, storage: str, ceiling: int) -> None:
        self.root = root
        self.host = host
        self._storage = storage
        self._ceiling = ceiling

    def run(self, argv: Sequence[str], volume: str, what: str, *, limit: float = 60.0) -> Result:
        """Run a program; raise what its refusal means for `volume`."""
        try:
            return self.host.run(argv, timeout=limit)
        except CommandFailed as error:
            raise places.translated(error, self._storage, volume, what) from error

    def there(self, path: Path) -> bool:
        """Whether the file or folder exists."""
        return self.host.run(["test", "-e", str(path)], check=False).code == 0

    def ensure(self, folder: Path) -> None:
        """Make the folder, open for passing through only, whatever the umask."""
        self.host.run(["install", "-d", "-m", "0711", "--", str(folder)])

    def make(self, path: Path, argv: Sequence[str], volume: str, wanted: int = 1) -> None:
        """Make `path` by a program that writes the file `new(path)`; one that is there stays.

        Raises `StorageFull` when less than `wanted` MiB are left below the ceiling.
        """
        words = [str(path.parent), path.name, str(wanted), str(self._ceiling)]
        try:
            self.host.run(["sh", "-c", _MAKE, "make", *words, *argv], timeout=LONG)
        except CommandFailed as error:
            raise self._refusal(error, volume, wanted) from error

    def finish(self, path: Path, mode: str) -> None:
        """Give `new(path)` its mode and its final name."""
        self.host.run(["chmod", mode, "--", str(new(path))])
        self.host.run(["sync", "--", str(new(path))], timeout=LONG)
        self.host.run(["mv", "-T", "--", str(new(path)), str(path)])

    def put(self, path: Path, data: bytes) -> None:
        """Write a small file, whole or not at all; raises `StorageFull` where it has no room."""
        with self.making(path):
            self.host.write(str(path), data, mode=0o600)

    @contextlib.contextmanager
    def making(self, path: Path) -> Iterator[None]:
        """Within it `new(path)` is made: nothing of that is left if it breaks. Raises `StorageFull`."""
        half = new(path)
        try:
            yield
        except (OSError, BoxError) as error:
            with contextlib.suppress(BoxError):  # a node that is away: the next one writes over it
                self.host.run(["rm", "-f", "--", str(half), str(half.with_suffix(".raw"))])
            if os.strerror(errno.ENOSPC) in str(error):
                raise StorageFull(storage=self._storage, wanted="?", left=0) from error
            raise

    def facts(self, path: Path, volume: str) -> dict[str, Any]:
        """Return what `qemu-img info` says of a file of ours, also while a machine has it open."""
        form = "raw" if path.suffix == ".iso" else "qcow2"
        argv = ["qemu-img", "info", "--output=json", "-U", "-f", form, str(path)]
        found: dict[str, Any] = json.loads(self.run(argv, volume, "look").out)
        return found

    def survey(self) -> list[dict[str, Any]]:
        """Return all files below the root: `path` (relative), `size`, `taken` (bytes) and `backing`."""
        return list(self._at_node("survey", str(self.root)))

    def unneeded(self, paths: Sequence[Path], volume: str) -> None:
        """Raise `VolumeInUse` if a file that is none of these has one of them as its backing file."""
        names = {str(path) for path in paths}
        for file in self.survey():
            if file["backing"] in names and str(self.root / file["path"]) not in names:
                raise VolumeInUse(name=volume, why=f"{file['path']} 以其为底 rests on it")

    def overwrite(self, paths: Sequence[Path], volume: str) -> tuple[int, bool]:
        """Overwrite the files where they lie, then remove them; bytes written, and whether read back.

        A file that is gone is fine. Raises `VolumeInUse`, and leaves the file whole under its name, when
        a running machine has it open.
        """
        seed, written, verified = chance.token(16), 0, True
        for path in paths:
            start = 0
            turn: dict[str, Any] = {}
            while start >= 0:
                turn = self._at_node("erase", str(path), seed, str(start), str(_TURN))
                if turn.get("busy"):
                    raise VolumeInUse(name=volume, why="虚拟机正在使用 a machine has it open")
                start, written = int(turn.get("next", -1)), written + int(turn.get("bytes", 0))
            verified = verified and bool(turn.get("verified", True))
        return written, verified

    def capacity(self, promised: int) -> Capacity:
        """Return the file system's room; `promised` in bytes. What others wrote on it counts as used."""
        self.ensure(self.root)
        said = self.host.run(["stat", "-f", "-c", "%S %b %a", "--", str(self.root)]).text
        size, blocks, free = map(int, said.split())
        total = blocks * size // _MIB
        used = (blocks - free) * size // _MIB
        return Capacity(total, used, promised // _MIB, total * self._ceiling // 100)

    def _at_node(self, *words: str) -> Any:
        """Have the node's program do one thing; on this machine without a process of its own."""
        if isinstance(self.host, LocalHost):
            return at_node.do(words)
        argv = ["/usr/bin/python3", "-I", "-", *words]
        return json.loads(self.host.run(argv, stdin=_PROGRAM, timeout=_TURN + 600).out)

    def _refusal(self, error: CommandFailed, volume: str, wanted: int) -> BoxError:
        why = str(error.fields.get("why", ""))
        if error.fields.get("exit") == _NO_ROOM:
            left = 0
            with contextlib.suppress(ValueError):
                left = int(why.rsplit(maxsplit=1)[-1])
            return StorageFull(storage=self._storage, wanted=wanted, left=left)
        return places.translated(error, self._storage, volume, "make")


def new(path: Path) -> Path:
    """Return the name under which a file is made until it is whole."""
    return path.with_name(f".{path.name}.new")


def missing(storage: str, name: str) -> NoSuchVolume:
    """Return the error for a volume, snapshot or image that is not there."""
    return NoSuchVolume(storage=storage, name=name)

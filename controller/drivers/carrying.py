"""Carries files from the controller to a node, piece by piece, through nothing but `Host`."""

import contextlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from appliance.host import Host, LocalHost
from controller.drivers import places
from controller.drivers.storage import Tell

_PIECE = 8 * 1024 * 1024
_SMALL = 1024 * 1024
_LONG = 6 * 3600.0  # seconds that a copy on the controller's own disk may take

# $1 the folder in which a scratch folder is made; what comes in is a tar archive.
_UNPACK = """set -e; umask 077; scratch=$(mktemp -d -p "$1" .image-XXXXXXXX)
tar -x -C "$scratch"; echo "$scratch" """


def carry(host: Host, file: Path, target: str, tell: Tell) -> None:
    """Copy `file` of this machine to the path `target` on the node; pieces of zeros stay holes.

    Starts from nothing each time: a half-carried file under a temporary name is carried again.
    """
    if isinstance(host, LocalHost):
        argv = ["cp", "--reflink=auto", "--sparse=always", "--", str(file), target]
        host.run(argv, timeout=_LONG)
        return
    size = file.stat().st_size
    _blank(host, target, size)
    with file.open("rb") as source:
        for number in range(-(-size // _PIECE)):
            _put(host, target, number, source.read(_PIECE))
            tell(min(1.0, (number + 1) * _PIECE / size))


@contextlib.contextmanager
def lay(host: Host, folder: Path, files: Mapping[str, bytes | Path]) -> Iterator[str]:
    """Lay the files out in a scratch folder on the node, below `folder`; it is gone afterwards."""
    small = {places.plain(n): f for n, f in files.items() if not _large(f)}
    scratch = host.run(
        ["sh", "-c", _UNPACK, "lay", str(folder)], stdin=_archive(small)
    ).text.strip()
    try:
        for inner, content in files.items():
            if inner not in small and isinstance(content, Path):
                carry(host, content, f"{scratch}/{places.plain(inner)}", lambda _part: None)
        yield scratch
    finally:
        host.run(["rm", "-rf", "--", scratch], check=False)


def _large(content: bytes | Path) -> bool:
    return isinstance(content, Path) and content.stat().st_size > _SMALL


def _archive(files: Mapping[str, bytes | Path]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            data = content.read_bytes() if isinstance(content, Path) else content
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(data), 0o644
            archive.addfile(about, io.BytesIO(data))
    return made.getvalue()


def relay(source: Host, file: str, target: Host, place: str, tell: Tell) -> None:
    """Copy a file from one node to another through this process; pieces of zeros stay holes."""
    size = int(source.run(["stat", "-c", "%s", "--", file]).text)
    _blank(target, place, size)
    for number in range(-(-size // _PIECE)):
        options = ["iflag=fullblock", "status=none", f"bs={_PIECE}", f"skip={number}", "count=1"]
        _put(target, place, number, source.run(["dd", f"if={file}", *options], timeout=600).out)
        tell(min(1.0, (number + 1) * _PIECE / size))


def _blank(host: Host, target: str, size: int) -> None:
    host.run(["rm", "-f", "--", target])
    host.run(["truncate", "-s", str(size), "--", target])


def _put(host: Host, target: str, number: int, piece: bytes) -> None:
    if piece.strip(b"\0"):
        options = ["conv=notrunc", "status=none", f"bs={_PIECE}", f"seek={number}"]
        argv = ["dd", f"of={target}", "iflag=fullblock", *options]
        host.run(argv, stdin=piece, timeout=600)

"""What runs on the node itself, sent over as one program: overwrites an RBD image's own blocks.

It needs Ceph's Python binding (a part of `ceph-common`), which is the one way to be told an image's own
blocks without its parent's (`include_parent`): `rbd diff` and `rbd export-diff` give both.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

PIECE = 4 * 1024 * 1024
_SAMPLES = 256  # pieces of the image that are read back and compared
_SECTOR = 4096


def overwrite(image: Any, seed: str, start: int, seconds: float) -> dict[str, object]:
    """Overwrite the image's own blocks from `start` on with a pattern made from `seed`, for a while.

    Returns how far it came (`next`, -1 at the end), how many bytes it wrote, and at the end whether
    what is read back is the pattern. It is not zeros: those could be stored as holes.
    """
    end, written, pattern = time.monotonic() + seconds, 0, _pattern(seed)
    for offset, length in split(_own(image, start), image.size()):
        if written and time.monotonic() > end:
            image.flush()
            return {"next": offset, "bytes": written}
        image.write(pattern[:length], offset)
        written += length
    image.flush()
    image.invalidate_cache()  # read back from the disks, not from this process
    whole = list(split(_own(image, 0), image.size()))
    sample = whole[:: len(whole) // _SAMPLES + 1]
    verified = all(image.read(offset, length) == pattern[:length] for offset, length in sample)
    return {"next": -1, "bytes": written, "verified": verified}


def split(extents: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """Yield the extents widened to whole sectors, in pieces of at most 4 MiB; bytes."""
    for start, length in extents:
        begin = start // _SECTOR * _SECTOR
        end = min(-(-(start + length) // _SECTOR) * _SECTOR, size)
        for offset in range(begin, end, PIECE):
            yield offset, min(PIECE, end - offset)


def _own(image: Any, start: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []

    def note(offset: int, length: int, exists: bool) -> None:  # noqa: FBT001 - the binding's own form
        if exists:
            found.append((offset, length))

    if start < image.size():
        image.diff_iterate(start, image.size() - start, None, note, include_parent=False)
    return found


def _pattern(seed: str) -> bytes:
    parts = (hashlib.sha256(f"{seed}{n}".encode()).digest() for n in range(2048))
    return b"".join(parts) * (PIECE // 65536)


def main(words: list[str]) -> None:
    """Overwrite POOL IMAGE as USER with SEED from START for SECONDS; print the outcome as JSON."""
    # Only nodes with Ceph have them.
    import rados  # type: ignore[import-not-found]  # noqa: PLC0415
    import rbd  # type: ignore[import-not-found]  # noqa: PLC0415

    pool, name, user, seed, start, seconds = words
    with (
        rados.Rados(conffile="/etc/ceph/ceph.conf", rados_id=user) as cluster,
        cluster.open_ioctx(pool) as context,
        rbd.Image(context, name) as image,
    ):
        outcome = overwrite(image, seed, int(start), float(seconds))
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1:])

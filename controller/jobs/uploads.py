"""Files handed in for a job: streamed to disk under a name of ours, measured and digested on the way."""

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance import chance, clock
from appliance.errors import BadInput, NotFound, TooLarge
from controller.actions import fields

_PIECE = 65536
_KEPT = 86400  # seconds
_KINDS = ("hmod", "img", "paper")


class Readable(Protocol):
    """Anything that gives bytes piece by piece."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        ...


@dataclass(frozen=True)
class Upload:
    """A file handed in: its name under the uploads folder, SHA-256, and size in bytes."""

    name: str
    digest: str
    size: int


def store(stream: Readable, folder: Path, limit: int, *, kind: str = "hmod") -> Upload:
    """Write `stream` to a new file in `folder`; over `limit` bytes raises `TooLarge` and keeps nothing.

    `kind` ends its name: `hmod`, `img` or `paper`. Files that lie there for more than a day were never used, and go.
    """
    _sweep(folder)
    path = folder / f"{chance.new_id()}.{kind}"
    try:
        seen, size = _copy(stream, path, limit)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Upload(path.name, seen, size)


def _copy(stream: Readable, path: Path, limit: int) -> tuple[str, int]:
    seen, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        path.chmod(0o640)
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise TooLarge(what="上传文件 upload", limit=limit)
            seen.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if not size:
        raise BadInput(what="上传文件 upload", why="为空 it is empty")
    return seen.hexdigest(), size


def _sweep(folder: Path) -> None:
    oldest = clock.now().timestamp() - _KEPT
    for path in (one for kind in _KINDS for one in folder.glob(f"*.{kind}")):
        with contextlib.suppress(FileNotFoundError):  # the worker has just taken it
            if path.lstat().st_mtime < oldest:
                path.unlink()


def find(folder: Path, name: str, form: re.Pattern[str] = fields.UPLOAD) -> Path:
    """Return the path of an upload; a name of another form or a missing file raises."""
    fields.matches("upload", name, form)
    path = folder / name
    if not path.is_file():
        raise NotFound(what="上传文件 upload", name=name)
    return path

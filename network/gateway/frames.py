"""The one typed, length-bounded binary frame that crosses the gateway's pipes."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from appliance.errors import Refused, Text

VERSION = 2
BODY_LIMIT = 4 << 20  # bytes; what is larger goes by spool file
_TARGET_LIMIT = 4096
_HEAD = struct.Struct("!IBBQHIHBHBBBBBBI")


class Kind(IntEnum):
    """What a frame says, and who says it to whom."""

    ASK = 1  # leg to guard: a peer asks this
    ANSWER = 2  # guard to leg: tell the peer this
    CALL = 3  # guard to far leg: ask this of `peer`, within `limit` milliseconds
    RESULT = 4  # far leg to guard: what came of it; `code` is empty when HTTP itself worked
    NOTE = 5  # leg to guard: refused before it became a message; `code` says by which rule
    SCAN = 6  # guard to scanner: is there malware in `body`, or in the spool file `target`?
    VERDICT = 7  # scanner to guard: `code` is empty when clean, else what was found


_KINDS = {int(kind): kind for kind in Kind}


class FrameBroken(Refused):
    """Bytes on a pipe are not a frame; whoever wrote them can no longer be trusted."""

    code = "gateway.frame_broken"
    text = Text("管道中的数据不是合法帧：{why}", "The pipe carried no lawful frame: {why}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message on a pipe. Texts are printable ASCII; `status` is an HTTP status or 0.

    `port` is the leg's port on which it came. `secure` is, in an ASK, the fingerprint of the sender's
    certificate (SHA-256, hex; empty without one); in a CALL how to reach the receiver: `none`, `tls`
    or `sm`, followed by a colon and the fingerprint to pin, if any. `method` is the HTTP method, or
    `MLLP` or `FILE`.
    """

    kind: Kind
    ident: int
    method: str = ""
    target: str = ""
    peer: str = ""
    delivery: str = ""
    key: str = ""
    code: str = ""
    content_type: str = ""
    secure: str = ""
    status: int = 0
    limit: int = 0
    port: int = 0
    body: bytes = b""


def render(frame: Frame) -> bytes:
    """Return the bytes of `frame`; raises `FrameBroken` when a part is over its bound."""
    try:
        texts = [
            part.encode("ascii")
            for part in (
                frame.method,
                frame.target,
                frame.peer,
                frame.delivery,
                frame.key,
                frame.code,
                frame.content_type,
                frame.secure,
            )
        ]
        lengths = [len(part) for part in texts]
        size = _HEAD.size + sum(lengths) + len(frame.body)
        head = _HEAD.pack(
            size, VERSION, frame.kind, frame.ident, frame.status, frame.limit, frame.port,
            *lengths, len(frame.body),
        )  # fmt: skip
    except (UnicodeEncodeError, struct.error) as error:
        raise FrameBroken(why=str(error)) from error
    if lengths[1] > _TARGET_LIMIT or len(frame.body) > BODY_LIMIT:
        raise FrameBroken(why="over its bound")
    return b"".join((head, *texts, frame.body))


def parse(data: bytes) -> Frame:
    """Return the frame that `data` holds exactly; raises `FrameBroken`."""
    if len(data) < _HEAD.size:
        raise FrameBroken(why="too short")
    size, version, kind, ident, status, limit, port, *lengths = _HEAD.unpack_from(data)
    _check(size, version, lengths)
    if size != len(data) or size != _HEAD.size + sum(lengths):
        raise FrameBroken(why="lengths disagree")
    start = size - lengths[-1]
    try:
        told = data[_HEAD.size : start].decode("ascii")
    except UnicodeDecodeError as error:
        raise FrameBroken(why=str(error)) from error
    named = _KINDS.get(kind)
    if named is None or not told.isprintable():
        raise FrameBroken(why="an unknown kind, or a control character in a text")
    texts, at = [], 0
    for length in lengths[:-1]:
        texts.append(told[at : at + length])
        at += length
    method, target, peer, delivery, key, code, content_type, secure = texts
    return Frame(
        named, ident, method, target, peer, delivery, key, code, content_type, secure, status, limit, port,
        data[start:],
    )  # fmt: skip


def _check(size: int, version: int, lengths: list[int]) -> None:
    if version != VERSION:
        raise FrameBroken(why=f"version {version}")
    if lengths[-1] > BODY_LIMIT or lengths[1] > _TARGET_LIMIT:
        raise FrameBroken(why="over its bound")
    if size < _HEAD.size:
        raise FrameBroken(why="size")


_LARGEST = _HEAD.size + BODY_LIMIT + _TARGET_LIMIT + 7 * 255


class Splitter:
    """Cuts a byte stream into frames; boundaries of reads mean nothing."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes, return the frames that are now whole; raises `FrameBroken`."""
        self._rest += data
        found, at = [], 0
        while len(self._rest) - at >= 4:
            (size,) = struct.unpack_from("!I", self._rest, at)
            if not _HEAD.size <= size <= _LARGEST:
                raise FrameBroken(why=f"size {size}")
            if len(self._rest) - at < size:
                break
            found.append(parse(bytes(self._rest[at : at + size])))
            at += size
        del self._rest[:at]
        return found

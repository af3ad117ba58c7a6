"""What a viewer may say to a screen (RFB 3.8, RFC 6143): told apart message by message, the rest refused.

Only messages that a viewer of a screen needs are let through. Knowing them also tells a person's act
from the viewer's own requests, and lets a session that may only watch have no keyboard and no mouse.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.errors import Refused, Text

_HELLO = (12, 1, 1)  # version, chosen security type, shared flag
_FIXED = {0: 20, 3: 10, 4: 8, 150: 10}  # by message type: its whole length in bytes
_TYPED = frozenset({4, 5, 6, 255})  # keyboard, mouse, clipboard, QEMU's own key event
_LONGEST_TEXT = 65536
_CODES = 1024  # encodings that one message may name


class NotRfb(Refused):
    """The viewer sent something that no viewer of a screen sends."""

    code = "console.not_rfb"
    text = Text("浏览器发来无法识别的屏幕报文：{why}", "Not a viewer's message: {why}")


@dataclass
class Viewer:
    """The way from one viewer to the screen. `watching`: what a person typed is dropped."""

    watching: bool = False
    _stage: int = 0
    _held: bytearray = field(default_factory=bytearray)

    def passed(self, data: bytes) -> tuple[bytes, bool]:
        """Return what goes on to the screen, and whether a person did something; raises `NotRfb`.

        A message that is not whole yet is held back until the rest of it comes.
        """
        self._held += data
        out, acted = bytearray(), False
        while (length := self._next()) and len(self._held) >= length:
            message = bytes(self._held[:length])
            del self._held[:length]
            typed = self._stage == len(_HELLO) and message[0] in _TYPED
            acted |= typed
            if not (typed and self.watching):
                out += message
            self._stage = min(self._stage + 1, len(_HELLO))
        return bytes(out), acted

    def _next(self) -> int:
        """Length of the message that begins now; 0 as long as too little of it is here to tell."""
        if self._stage < len(_HELLO):
            return _HELLO[self._stage]
        return _length(self._held) if self._held else 0


def _length(held: bytearray) -> int:
    kind = held[0]
    if kind in _FIXED:
        return _FIXED[kind]
    if kind not in _GROWING:
        raise NotRfb(why=f"type {kind}")
    least, length = _GROWING[kind]
    return length(held) if len(held) >= least else 0


def _mouse(held: bytearray) -> int:
    # The top bit of the buttons says that a byte with more buttons follows.
    return 6 + (held[1] >> 7)


def _encodings(held: bytearray) -> int:
    count = int.from_bytes(held[2:4], "big")
    if count > _CODES:
        raise NotRfb(why=f"{count} encodings")
    return 4 + 4 * count


def _clipboard(held: bytearray) -> int:
    # A negative length is that of the extended clipboard; its size counts all the same.
    length = abs(int.from_bytes(held[4:8], "big", signed=True))
    if length > _LONGEST_TEXT:
        raise NotRfb(why=f"a text of {length} bytes")
    return 8 + length


def _qemu(held: bytearray) -> int:
    if held[1] != 0:  # 0: key event with its scan code; audio and others are nobody's need
        raise NotRfb(why=f"QEMU message {held[1]}")
    return 12


def _fence(held: bytearray) -> int:
    return 9 + min(held[8], 64)


def _desktop(held: bytearray) -> int:
    return 8 + 16 * held[6]  # sixteen bytes for each screen


# By message type: how many bytes must be here to tell its length, and how it is told.
_GROWING: dict[int, tuple[int, Callable[[bytearray], int]]] = {
    2: (4, _encodings),
    5: (2, _mouse),
    6: (8, _clipboard),
    248: (9, _fence),
    251: (7, _desktop),
    255: (2, _qemu),
}

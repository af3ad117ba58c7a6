"""What a viewer may say to a screen: whole messages only, in any pieces; nothing else."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.console.rfb import NotRfb, Viewer

HELLO = b"RFB 003.008\n\x01\x01"
FORMAT = bytes([0, 0, 0, 0]) + bytes(16)
ENCODINGS = struct.pack(">BxH3i", 2, 3, 7, -223, -258)
ASK = struct.pack(">BBHHHH", 3, 1, 0, 0, 640, 480)
KEY = struct.pack(">BBxxI", 4, 1, 0xFF0D)
MOUSE = struct.pack(">BBHH", 5, 1, 100, 200)
WIDE_MOUSE = struct.pack(">BBHHB", 5, 0x81, 100, 200, 1)
CUT = struct.pack(">BxxxI", 6, 5) + b"hello"
EXTENDED = struct.pack(">BxxxiI", 6, -8, 1) + b"abcd"
UPDATES = struct.pack(">BBHHHH", 150, 1, 0, 0, 640, 480)
FENCE = struct.pack(">BxxxIB", 248, 1, 4) + b"fenc"
DESKTOP = struct.pack(">BxHHBx", 251, 800, 600, 1) + bytes(16)
QEMU_KEY = struct.pack(">BBHII", 255, 0, 1, 0xFF0D, 28)
QUIET = (FORMAT, ENCODINGS, ASK, UPDATES, FENCE, DESKTOP)
TYPED = (KEY, MOUSE, WIDE_MOUSE, CUT, EXTENDED, QEMU_KEY)


@given(st.lists(st.sampled_from(QUIET + TYPED)), st.lists(st.integers(1, 40)))
def test_messages_pass_whole_however_they_are_cut(messages, cuts) -> None:
    data = HELLO + b"".join(messages)
    for watching in (False, True):
        viewer, out, acted, rest = Viewer(watching), b"", False, data
        for cut in (*cuts, len(data)):
            piece, rest = rest[:cut], rest[cut:]
            passed, did = viewer.passed(piece)
            out, acted = out + passed, acted or did
        kept = [m for m in messages if not (watching and m in TYPED)]
        assert out == HELLO + b"".join(kept)
        assert acted == any(m in TYPED for m in messages)


@pytest.mark.parametrize(
    "data",
    [
        b"\x01", b"\x07", b"\xfa", b"\xff\x01\x00\x00",  # colour map, unknown, a shutdown, audio
        struct.pack(">BxH", 2, 5000), struct.pack(">BxxxI", 6, 1 << 20),
        struct.pack(">BxxxI", 6, 0x80000000),
    ],
)  # fmt: skip
def test_anything_else_is_refused(data) -> None:
    viewer = Viewer()
    viewer.passed(HELLO)
    with pytest.raises(NotRfb):
        viewer.passed(data)


@given(st.binary(max_size=300))
def test_noise_is_refused_or_held_but_never_breaks_it(noise) -> None:
    viewer = Viewer()
    viewer.passed(HELLO)
    try:
        out, _ = viewer.passed(noise)
    except NotRfb:
        return
    assert noise.startswith(out)

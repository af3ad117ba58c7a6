"""Frames: parse undoes render, boundaries of reads mean nothing, garbage is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.gateway.frames import BODY_LIMIT, Frame, FrameBroken, Kind, Splitter, parse, render

short = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
frames = st.builds(
    Frame,
    kind=st.sampled_from(Kind),
    ident=st.integers(0, 2**64 - 1),
    method=short, target=short, peer=short, delivery=short, key=short, code=short, content_type=short,
    status=st.integers(0, 65535),
    limit=st.integers(0, 2**32 - 1),
    body=st.binary(max_size=400),
)  # fmt: skip


@given(frames)
def test_parse_undoes_render(frame):
    assert parse(render(frame)) == frame


@given(st.lists(frames, max_size=5), st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_a_stream_in_any_pieces_gives_the_same_frames(sent, sizes):
    stream = b"".join(render(frame) for frame in sent)
    splitter, got, at, turn = Splitter(), [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        got += splitter.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert got == sent


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_waited_for(data):
    try:
        found = Splitter().feed(data)
    except FrameBroken:
        return
    assert b"".join(render(frame) for frame in found) == data[: sum(len(render(f)) for f in found)]


@given(frames, st.data())
@settings(max_examples=60)
def test_a_changed_length_never_gives_a_frame_with_other_bounds(frame, data):
    whole = bytearray(render(frame))
    at = data.draw(st.integers(0, 3))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FrameBroken):
        parse(bytes(whole))


@pytest.mark.parametrize(
    "wrong",
    [
        Frame(Kind.ASK, 1, target="/é"),
        Frame(Kind.ASK, 1, method="G" * 256),
        Frame(Kind.ASK, 1, target="/" * 5000),
        Frame(Kind.ASK, 1, body=bytes(BODY_LIMIT + 1)),
        Frame(Kind.ASK, -1),
    ],
)
def test_over_its_bound_is_not_rendered(wrong):
    with pytest.raises(FrameBroken):
        render(wrong)


def test_a_control_character_is_refused():
    told = render(Frame(Kind.ASK, 1, target="/a?b")).replace(b"/a?b", b"/a\r\n")
    with pytest.raises(FrameBroken, match="control"):
        parse(told)

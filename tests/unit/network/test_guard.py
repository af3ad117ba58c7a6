"""The guard's ends of the pipes: much may wait for a leg, but not for one that stopped reading."""

import os

import pytest

from network.gateway import guard


@pytest.fixture
def leg(monkeypatch):
    """A pipe of the guard, the leg's two ends of it, and a clock."""
    from_leg, to_guard = os.pipe()
    from_guard, to_leg = os.pipe()
    clock = [1000.0]
    monkeypatch.setattr(guard, "monotonic", lambda: clock[0])
    yield guard.Pipe("extranet", from_leg, to_leg), from_guard, clock
    for descriptor in (from_leg, to_guard, from_guard, to_leg):
        os.close(descriptor)


def test_a_leg_that_reads_gets_everything_however_much_it_is(leg):
    pipe, from_guard, clock = leg
    data = os.urandom(1 << 20) * 100
    pipe.send(data)
    got = bytearray()
    while pipe.flush():
        clock[0] += 20  # slowly, but it reads
        got += os.read(from_guard, 1 << 20)
        while len(got) < 99 << 20 and pipe.flush():
            got += os.read(from_guard, 1 << 20)
    os.set_blocking(from_guard, False)
    while len(got) < len(data):
        got += os.read(from_guard, 1 << 20)
    assert got == data


def test_a_leg_that_stopped_reading_is_gone(leg):
    pipe, from_guard, clock = leg
    pipe.send(bytes(1 << 20))
    assert pipe.flush()
    clock[0] += 29
    assert pipe.flush()
    os.read(from_guard, 65536)
    assert pipe.flush()  # it moved
    clock[0] += 31
    with pytest.raises(guard.LegGone):
        pipe.flush()


def test_a_leg_that_rested_long_is_not_gone_when_something_comes(leg):
    pipe, _, clock = leg
    clock[0] += 3600
    pipe.send(bytes(1 << 20))
    assert pipe.flush()


def test_a_leg_whose_pipe_ended_is_gone():
    reader, writer = os.pipe()
    from_leg, to_guard = os.pipe()
    pipe = guard.Pipe("extranet", from_leg, writer)
    os.close(reader)
    pipe.send(b"x")
    with pytest.raises(guard.LegGone):
        pipe.flush()
    os.close(to_guard)
    with pytest.raises(guard.LegGone):
        pipe.read_into(None)
    os.close(writer)
    os.close(from_leg)

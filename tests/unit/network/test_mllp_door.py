"""Limits of the MLLP door and bounds of the MLLP caller over real loopback sockets."""

import asyncio

import pytest
import uvloop

from network.gateway import mllp_door
from network.gateway.frames import BODY_LIMIT, Frame, Kind
from network.gateway.hl7 import ack
from network.gateway.mllp_caller import MllpCaller
from network.gateway.mllp_door import PIPELINED, MllpDoor, framed
from network.gateway.refusals import Busy
from tests.unit.network.mllp_talk import frames, shown

LATER = 0.02


def one(ident="A1", more=""):
    return f"MSH|^~\\&|A||||2026||ADT^A04|{ident}|P|2.4\rNTE|1||{more}\r".encode()


class Desk:
    """Accepts every message a little later, or as the test says."""

    def __init__(self, *, later=LATER, room=True, busy=False):
        self.later, self.room, self.busy = later, room, busy
        self.doors, self.asked_for, self.refusals, self.open, self.most = set(), [], [], 0, 0

    def opened(self, door):
        self.doors.add(door)
        return len(self.doors) <= 3

    def closed(self, door):
        self.doors.discard(door)

    def holds(self, door, size):
        return self.room or size < 1000

    def refused(self, door, refusal):
        self.refusals.append(refusal.code)
        return b""

    def asked(self, door, slot, asked):
        self.asked_for.append(asked)
        if self.busy:
            door.deny(slot, Busy())
            return
        self.open += 1
        self.most = max(self.most, self.open)
        asyncio.get_running_loop().call_later(self.later, self._answer, door, slot, asked.body)

    def _answer(self, door, slot, body):
        self.open -= 1
        said = ack.accepted(ack.head_of(body, "GB18030"), "d")
        door.answer(slot, 200, "", said)


def with_door(talk, given=None):
    """Run `talk(desk, reader, writer)` with a door that listens; return (its result, the desk)."""
    desk = given or Desk()

    async def run():
        server = await asyncio.get_running_loop().create_server(
            lambda: MllpDoor(desk), "127.0.0.1", 0
        )
        where = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*where)
        async with asyncio.timeout(20):
            told = await talk(desk, reader, writer)
        writer.transport.abort()
        for door in list(desk.doors):
            door._transport.abort()
        server.close()
        await asyncio.sleep(0.01)
        await server.wait_closed()
        return told, desk

    return uvloop.run(run())


async def until_end(reader):
    try:
        return [shown(frame) for frame in frames(await reader.read(-1))]
    except ConnectionError:
        return ["reset"]


def test_no_more_frames_are_taken_than_may_be_open():
    async def talk(desk, reader, writer):
        writer.write(b"".join(framed(one(f"A{n}")) for n in range(100)))
        got = b""
        while got.count(b"\x1c") < 100:
            got += await reader.read(65536)
        return [shown(frame) for frame in frames(got)]

    told, desk = with_door(talk, Desk(later=0.005))
    assert told == [f"AA A{n}" for n in range(100)]
    assert desk.most == PIPELINED


def test_a_peer_that_does_not_read_is_not_read_either():
    async def talk(desk, reader, writer):
        reader._transport.pause_reading()
        big = one(more="x" * 200_000)
        for _ in range(40):
            writer.write(framed(big) * 4)
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.1)
        return len(desk.asked_for)

    class Generous(Desk):
        def _answer(self, door, slot, body):
            door.answer(slot, 200, "", body)

    heard, _ = with_door(talk, Generous(later=0.0))
    assert heard < 120


def test_a_frame_over_the_limit_is_refused_and_the_connection_ends():
    async def talk(desk, reader, writer):
        writer.write(framed(one("A1")) + b"\x0b" + one("BIG"))
        for _ in range(BODY_LIMIT // 65536 + 2):
            writer.write(b"y" * 65536)
            await asyncio.sleep(0)
        return await until_end(reader)

    told, desk = with_door(talk)
    assert told == ["AA A1", "AR BIG"]
    assert desk.refusals == ["gateway.body_too_large"]
    assert len(desk.asked_for) == 1


def test_a_slow_frame_is_ended(monkeypatch):
    monkeypatch.setattr(mllp_door, "FRAME_TIME", 0.1)

    async def talk(desk, reader, writer):
        async def drip():
            for byte in framed(one("SLOW")):
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        await asyncio.sleep(0.3)
        for door in list(desk.doors):
            door.check(mllp_door.monotonic())
        told = await until_end(reader)
        dripping.cancel()
        return told

    told, desk = with_door(talk)
    assert (told, desk.refusals, desk.asked_for) == (["AE"], ["gateway.too_slow"], [])


def test_a_frame_that_waits_for_us_is_not_slow(monkeypatch):
    monkeypatch.setattr(mllp_door, "FRAME_TIME", 0.05)

    async def talk(desk, reader, writer):
        writer.write(framed(one("A1")) + framed(one("A2"))[:-5])
        await asyncio.sleep(0.2)  # the answer to the first is owed: our fault
        for door in list(desk.doors):
            door.check(mllp_door.monotonic())
        writer.write(framed(one("A2"))[-5:])
        got = b""
        while got.count(b"\x1c") < 2:
            got += await reader.read(65536)
        return len(frames(got))

    told, desk = with_door(talk, Desk(later=0.3))
    assert (told, desk.refusals) == (2, [])


def test_resting_connections_end_at_last(monkeypatch):
    monkeypatch.setattr(mllp_door, "IDLE_TIME", 0.05)

    async def talk(desk, reader, writer):
        writer.write(framed(one()))
        await reader.readuntil(b"\x1c\r")
        (door,) = desk.doors
        door.check(mllp_door.monotonic())
        early = writer.transport.is_closing()
        await asyncio.sleep(0.1)
        door.check(mllp_door.monotonic())
        return early, await until_end(reader)

    told, _ = with_door(talk)
    assert told in ((False, []), (False, ["reset"]))


def test_one_that_says_nothing_ends_sooner(monkeypatch):
    monkeypatch.setattr(mllp_door, "FIRST_TIME", 0.05)

    async def talk(desk, reader, writer):
        await asyncio.sleep(0.1)
        for door in list(desk.doors):
            door.check(mllp_door.monotonic())
        return await until_end(reader)

    assert with_door(talk)[0] in ([], ["reset"])


def test_one_connection_too_many_is_sent_away():
    async def talk(desk, reader, writer):
        host, port = writer.get_extra_info("peername")
        others = [await asyncio.open_connection(host, port) for _ in range(3)]
        told = await until_end(others[-1][0])
        for _, other in others:
            other.transport.abort()
        return told

    assert with_door(talk)[0] in ([], ["reset"])


def test_a_busy_leg_says_so_and_may_be_asked_again():
    async def talk(desk, reader, writer):
        writer.write(framed(one("A1")) + framed(one("A2")))
        got = b""
        while got.count(b"\x1c") < 2:
            got += await reader.read(65536)
        return [shown(frame) for frame in frames(got)]

    assert with_door(talk, Desk(busy=True))[0] == ["AE A1", "AE A2"]


def test_bytes_over_what_the_leg_can_hold_are_refused():
    async def talk(desk, reader, writer):
        writer.write(b"\x0b" + one("A1", "x" * 5000))
        return await until_end(reader)

    told, desk = with_door(talk, Desk(room=False))
    assert (told, desk.refusals) == (["AE A1"], ["gateway.busy"])


def test_answers_to_a_gone_peer_go_nowhere():
    async def talk(desk, reader, writer):
        writer.write(framed(one()))
        await asyncio.sleep(0.01)
        writer.transport.abort()
        await asyncio.sleep(0.1)
        return len(desk.doors)

    assert with_door(talk, Desk(later=0.05))[0] == 0


# The caller


def call(port, ident="A1", limit=1000):
    return Frame(
        Kind.CALL, 1, "MLLP", "/", f"127.0.0.1:{port}", secure="none", limit=limit, body=one(ident)
    )


def answered(talk, serve):
    """Run `talk(caller, port)` with a receiver that listens."""

    async def run():
        tasks = []

        async def kept(reader, writer):
            tasks.append(asyncio.current_task())
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            writer.close()

        server = await asyncio.start_server(kept, "127.0.0.1", 0)
        caller = MllpCaller(None)
        told = await talk(caller, server.sockets[0].getsockname()[1])
        caller.close()
        server.close()
        await asyncio.gather(*tasks)
        await server.wait_closed()
        return told

    return uvloop.run(run())


async def accept_all(reader, writer):
    while frame := await reader.readuntil(b"\x1c\r"):
        ident = frame.split(b"|")[9].decode()
        writer.write(framed(f"MSH|^~\\&|R|||||ACK|1|P|2.4\rMSA|AA|{ident}\r".encode()))


def test_calls_at_the_same_time_have_a_connection_each():
    seen = []

    async def serve(reader, writer):
        seen.append(0)
        await asyncio.sleep(0.02)
        await accept_all(reader, writer)

    async def talk(caller, port):
        first = await asyncio.gather(*(caller.make(call(port, f"A{n}")) for n in range(6)))
        await caller.make(call(port, "B"))
        return [shown(result.body) for result in first], sum(map(len, caller._idle.values()))

    told, idle = answered(talk, serve)
    assert told == [f"AA A{n}" for n in range(6)]
    assert (len(seen), idle) == (6, 4)  # only a few are kept


def test_a_message_is_never_sent_twice_by_itself():
    seen = []

    async def serve(reader, writer):
        seen.append(await reader.readuntil(b"\x1c\r"))  # and ends without a word

    async def talk(caller, port):
        return [(await caller.make(call(port))).code for _ in range(3)]

    assert answered(talk, serve) == ["connection closed"] * 3
    assert len(seen) == 3


def test_the_time_limit_holds_for_connecting_too():
    async def run():
        caller = MllpCaller(None)
        # TEST-NET-1: either nothing answers, or this machine has no way there.
        result = await caller.make(call(9).__class__(
            Kind.CALL, 1, "MLLP", "/", "192.0.2.1:2575", secure="none", limit=80, body=one()))  # fmt: skip
        return result.code

    assert uvloop.run(run())


@pytest.mark.parametrize("secure", ["tls", "sm:00"])
def test_without_certificates_nothing_goes_out_in_the_clear(secure):
    seen = []

    async def serve(reader, writer):
        seen.append(await reader.read(10))

    async def talk(caller, port):
        result = await caller.make(
            Frame(
                Kind.CALL, 1, "MLLP", "/", f"127.0.0.1:{port}", secure=secure, limit=500, body=one()
            )
        )
        return result.code

    assert "certificates" in answered(talk, serve)
    assert seen == []

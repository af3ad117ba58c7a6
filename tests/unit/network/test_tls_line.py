"""TLS at the gateway's edges as a line: pieces, ends, time limits, hostile bytes, and whose turn it is."""

import asyncio
import threading

import pytest
import uvloop
from OpenSSL import SSL

from network.gateway.handshakes import Turns
from network.gateway.tls_line import drained
from tests.unit.network.handshaking import HOME, Desk, Echo, call, client, door, foreign, made


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return made(tmp_path_factory.mktemp("ours"))


@pytest.mark.parametrize("size", [1, 16384, 16385, 1 << 20])
def test_bytes_come_through_whole_both_ways(ours, size):
    sent = bytes(n * 7 & 0xFF for n in range(size))

    async def run():
        async with door(ours, "sm") as (port, _):
            line = await call(ours, port, "sm")
            line.transport.write(sent)
            assert await line.heard(size) == sent
            line.transport.close()
            await line.ended

    uvloop.run(run())


def test_an_answer_is_whole_when_the_server_closes_behind_it(ours):
    class Farewell(Echo):
        def data_received(self, data):
            self.transport.write(bytes(1 << 20))
            self.transport.close()

    async def run():
        async with door(ours, "tls", factory=Farewell) as (port, _):
            line = await call(ours, port, "tls")
            line.transport.write(b"x")
            assert await line.ended is None
            return len(line.got)

    assert uvloop.run(run()) == 1 << 20


def test_an_end_without_close_notify_is_a_cut(ours):
    class Half(Echo):
        def eof_received(self):
            raise AssertionError("a cut is no end")

    async def run():
        async with door(ours, "tls", factory=Half) as (port, _):
            line = await call(ours, port, "tls")
            line.transport.write(b"abc")
            await line.heard(3)
            line.transport.raw.close()
            async with asyncio.timeout(2):
                while not Echo.made[0].lost:
                    await asyncio.sleep(0.01)

    uvloop.run(run())


def hello_of(identity):
    """The first flight of a lawful client, and its connection."""
    made_context = foreign(identity)
    made_context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    end = SSL.Connection(made_context, None)
    end.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        end.do_handshake()
    return end, drained(end)


async def finish(end, reader, writer, piece):
    """Make the rest of a client's handshake, sending `piece` bytes at a time."""
    while True:
        try:
            end.do_handshake()
            return drained(end)
        except SSL.WantReadError:
            out = drained(end)
            for at in range(0, len(out), piece):
                writer.write(out[at : at + piece])
                await writer.drain()
                await asyncio.sleep(0)
            end.bio_write(await asyncio.wait_for(reader.read(65536), 5))


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_where_the_network_cuts_a_handshake_or_a_record_means_nothing(ours, piece):
    async def run():
        async with door(ours, "sm", client_cert=True) as (port, desk):
            reader, writer = await asyncio.open_connection(HOME, port)
            end, hello = hello_of(ours["sm"])
            for at in range(0, len(hello), piece):
                writer.write(hello[at : at + piece])
                await asyncio.sleep(0)
            end.bio_write(await asyncio.wait_for(reader.read(65536), 5))
            rest = await finish(end, reader, writer, piece)
            end.send(b"question")
            rest += drained(end)
            for at in range(0, len(rest), piece):
                writer.write(rest[at : at + piece])
                await asyncio.sleep(0)
            end.bio_write(await asyncio.wait_for(reader.read(65536), 5))
            assert end.recv(100) == b"question"
            assert desk.refusals == []
            writer.transport.abort()

    uvloop.run(run())


def test_a_peer_that_has_said_all_still_gets_its_answer(ours):
    class Owing(Echo):
        def data_received(self, data):
            self.got += data

        def eof_received(self):
            asyncio.get_running_loop().call_later(0.05, self.answer)
            return True

        def answer(self):
            self.transport.write(b"answer to " + self.got)
            self.transport.close()

    async def run():
        async with door(ours, "sm", factory=Owing) as (port, _):
            line = await call(ours, port, "sm")
            line.transport.write(b"question")
            line.transport.write_eof()
            line.transport.raw.write_eof()
            assert await line.ended is None
            return bytes(line.got)

    assert uvloop.run(run()) == b"answer to question"


def test_spoiled_hellos_end_a_handshake_and_nothing_else(ours):
    """Every byte of a first flight turned, one at a time: refused, or waited for; the door lives on."""

    async def run():
        async with door(ours, "sm", client_cert=True) as (port, desk):
            _, hello = hello_of(ours["sm"])
            for at in range(0, len(hello), 5):
                _, writer = await asyncio.open_connection(HOME, port)
                writer.write(hello[:at] + bytes([hello[at] ^ 0xFF]) + hello[at + 1 :])
                await writer.drain()
                await asyncio.sleep(0.001)
                writer.transport.abort()
            inner = await client(port, foreign(ours["sm"]))
            inner.transport.abort()
            assert {code for code, _ in desk.refusals} <= {"gateway.bad_tls"}
            assert len(Echo.made) == 1

    uvloop.run(run())


def test_garbage_behind_a_handshake_ends_the_connection(ours):
    async def run():
        async with door(ours, "sm") as (port, _):
            line = await call(ours, port, "sm")
            line.transport.write(b"x")
            await line.heard(1)
            line.transport.raw.write(b"\x17\x03\x03\x00\x20" + bytes(32))
            await asyncio.wait_for(line.ended, 5)
            assert Echo.made[0].got == b"x"
            assert Echo.made[0].lost

    uvloop.run(run())


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"])
def test_a_begun_handshake_has_its_time(ours, sent):
    async def run():
        async with door(ours, "sm") as (port, desk):
            reader, writer = await asyncio.open_connection(HOME, port)
            writer.write(sent)
            await asyncio.sleep(0.05)
            (waiting,) = desk.open
            waiting.check(waiting.deadline - 0.1)
            assert len(desk.open) == 1
            waiting.check(waiting.deadline)
            assert await asyncio.wait_for(reader.read(-1), 2) == b""
            writer.close()
            assert desk.refusals[-1][0] == "gateway.too_slow"
            assert desk.open == []

    uvloop.run(run())


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x0bMSH|^~\\&|", bytes(70000)]
)
def test_what_is_no_tls_is_refused(ours, sent):
    async def run():
        async with door(ours, "sm") as (port, desk):
            reader, writer = await asyncio.open_connection(HOME, port)
            writer.write(sent)
            try:
                await asyncio.wait_for(reader.read(-1), 3)
            except ConnectionResetError:
                pass
            writer.close()
            assert [code for code, _ in desk.refusals] == ["gateway.bad_tls"]

    uvloop.run(run())


def test_without_room_nobody_gets_as_far_as_a_handshake(ours):
    async def run():
        desk = Desk()
        desk.room = False
        async with door(ours, "sm", desk=desk) as (port, _):
            with pytest.raises(ConnectionError):
                await client(port, foreign(ours["sm"]))
            assert desk.refusals == []

    uvloop.run(run())


def test_handshakes_run_in_a_thread_and_peers_take_turns():
    order, threads = [], set()

    async def run():
        turns, all_done = Turns(), asyncio.Event()

        def work():
            threads.add(threading.get_ident())
            return threading.get_ident()

        def done(name):
            order.append(name)
            if len(order) == 31:
                all_done.set()

        for number in range(30):
            turns.submit("greedy", work, lambda _, n=number: done(("greedy", n)))
        turns.submit("modest", work, lambda _: done("modest"))
        await asyncio.wait_for(all_done.wait(), 5)
        turns.close()

    uvloop.run(run())
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert order.index("modest") <= 2
    assert [n for _, n in (o for o in order if o != "modest")] == list(range(30))


def test_the_loop_turns_while_a_hundred_handshakes_run(ours):
    """A good peer's message waits for no handshake: the loop's longest pause is a part of their time."""

    async def run():
        loop, gaps = asyncio.get_running_loop(), []
        async with door(ours, "sm", client_cert=True) as (port, _):
            hellos = [hello_of(ours["sm"])[1] for _ in range(100)]
            pairs = [await asyncio.open_connection(HOME, port) for _ in hellos]

            async def ticking():
                while True:
                    before = loop.time()
                    await asyncio.sleep(0.001)
                    gaps.append(loop.time() - before)

            ticks = asyncio.create_task(ticking())
            await asyncio.sleep(0.01)
            began = loop.time()
            for (_, writer), hello in zip(pairs, hellos, strict=True):
                writer.write(hello)
            for reader, _ in pairs:
                assert await reader.read(65536)
            took = loop.time() - began
            ticks.cancel()
            for _, writer in pairs:
                writer.transport.abort()
            return max(gaps), took

    longest, took = uvloop.run(run())
    assert longest < took / 2, (longest, took)  # in the loop they are equal

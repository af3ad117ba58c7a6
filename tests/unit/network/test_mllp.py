"""The MLLP conformance file against our own door, guard and caller."""

import asyncio
import tempfile
from pathlib import Path

import pytest
import uvloop

from network.gateway.frames import Frame, Kind
from network.gateway.mllp_caller import MllpCaller
from network.gateway.protocols.hl7v2 import Hl7v2
from tests.unit.network import mllp_talk as talk
from tests.unit.network.mllp_end import CHANNEL, End, listening_socket

RECEIVE = talk.cases()["receive"]
DELIVER = talk.cases()["deliver"]


async def _receive(case):
    with tempfile.TemporaryDirectory(prefix="hbox-mllp-") as folder:
        async with End(Path(folder), site=case.get("site", "GB18030")) as end:
            heard = await talk.converse(case, "127.0.0.1", end.port)
            return heard, end.taken


class Receiver:
    """A far side that does what a deliver case says upon each message."""

    def __init__(self, case):
        self.case, self.got, self.connections, self.served = case, [], 0, []

    async def serve(self, reader, writer):
        self.connections += 1
        self.served.append(asyncio.current_task())
        try:
            while frame := await reader.readuntil(b"\x1c\r"):
                told = self.case["receiver"][len(self.got)]
                self.got.append(frame.split(b"|")[9].decode())
                await talk.say(writer, told, self.case)
                if told and told[-1] == {"end": True}:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


async def _deliver(case):
    plan, receiver = Hl7v2().plan(CHANNEL), Receiver(case)
    made = listening_socket()
    port = made.getsockname()[1]
    server = None
    if case.get("away"):
        made.close()
    else:
        server = await asyncio.start_server(receiver.serve, sock=made)
    caller, ends = MllpCaller(None), []
    for ident, name in enumerate(case["send"]):
        if isinstance(name, dict):
            await asyncio.sleep(name["pause"])
            continue
        body = talk.message(name)
        limit = int(case.get("limit", 2.0) * 1000)
        call = Frame(
            Kind.CALL,
            ident,
            "MLLP",
            "/",
            f"127.0.0.1:{port}",
            secure="none",
            limit=limit,
            body=body,
        )
        result = await caller.make(call)
        ends.append(plan.outcome(body, result).end)
    caller.close()
    if server:
        server.close()
        await asyncio.gather(*receiver.served)
        await server.wait_closed()
    return ends, receiver


@pytest.fixture(scope="module")
def played():
    """Many conversations at once: most of their time is pauses."""

    async def some_at_once(play, cases):
        turns = asyncio.Semaphore(12)

        async def one(case):
            async with turns:
                return case["id"], await play(case)

        return await asyncio.gather(*map(one, cases))

    async def all_of_them():
        return dict(
            [*await some_at_once(_receive, RECEIVE), *await some_at_once(_deliver, DELIVER)]
        )

    return uvloop.run(all_of_them())


@pytest.mark.parametrize("case", RECEIVE, ids=lambda case: case["id"])
def test_receive(case, played):
    heard, taken = played[case["id"]]
    if "acks" in case:
        assert heard.acks == case["acks"] * case.get("times", 1)
    else:
        assert not [ack for ack in heard.acks if ack[1:2] == "A"]
    if "accepted" in case:
        assert [own for own, _ in taken] == case["accepted"]
    if "names" in case:
        assert [name for _, name in taken] == case["names"]
    assert heard.closed is bool(case.get("closed"))


@pytest.mark.parametrize("case", DELIVER, ids=lambda case: case["id"])
def test_deliver(case, played):
    ends, receiver = played[case["id"]]
    assert ends == case["ends"]
    if "connections" in case:
        assert receiver.connections == case["connections"]
    if "got" in case:
        assert receiver.got == case["got"]


def test_every_case_has_a_name_of_its_own():
    names = [case["id"] for case in RECEIVE + DELIVER]
    assert len(names) == len(set(names)) >= 50

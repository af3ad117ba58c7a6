"""Our end of MLLP in one process: the leg's real door, the guard's real mind and a real journal."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

from appliance.signing import SigningKey
from network.gateway.channel import Channel, Part
from network.gateway.exchange import Exchange
from network.gateway.frames import Frame, Kind
from network.gateway.hl7 import message
from network.gateway.journal import Journal
from network.gateway.mllp_door import MllpDoor
from network.gateway.policy import Policy, load, write
from network.gateway.refusals import body
from network.gateway.vault import Vault
from tests.unit.network.mllp_talk import acknowledgement

KEY = SigningKey.new()
CHANNEL = Channel(
    "hl7", "extranet->intranet", "store", "127.0.0.1", "mllp://127.0.0.1:9", "personal", "test",
    "sec", protocol="hl7v2", types=("SIU^S12", "ADT^A04"), leak="report", rate=6_000_000,
    parts=(Part("PID-3", required=True), Part("PID-5"), Part("PID-7"), Part("PID-8"),
           Part("SCH-*"), Part("AIG-*"), Part("PV1-3"), Part("EVN-*")),
)  # fmt: skip


def listening_socket():
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made


class End:
    """Takes messages as the leg and the guard do; the receiver behind it accepts everything.

    `taken` are MSH-10 and PID-5 of what was delivered, in order.
    """

    def __init__(self, folder: Path, *, site="GB18030", channel=CHANNEL):
        self.site = site
        self._socket = listening_socket()
        self.port = self._socket.getsockname()[1]
        (folder / "journal").mkdir()
        write(folder, Policy(1, "", (replace(channel, charset=site, port=self.port),)), KEY)
        loaded = load(folder, KEY.public)
        self.exchange = Exchange(loaded, Journal(folder / "journal", Vault.fresh()))
        self.doors, self.notes, self.taken, self.bodies = set(), [], [], []
        self.asked_for, self.slow = 0, 0.0
        self._waiting, self._flushing = {}, False

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: MllpDoor(self), sock=self._socket)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for door in list(self.doors):
            door._transport.abort()
        await asyncio.sleep(0)
        await self._server.wait_closed()

    # Desk

    def opened(self, door):
        self.doors.add(door)
        return True

    def closed(self, door):
        self.doors.discard(door)

    def holds(self, door, size):
        return True

    def refused(self, door, refusal):
        self.notes.append(refusal.code)
        return str(body(refusal)).encode()

    def asked(self, door, slot, asked):
        self.asked_for += 1
        self._waiting[self.asked_for] = (door, slot)
        ask = Frame(
            Kind.ASK, self.asked_for, asked.method, asked.target, door.peer, key=asked.key,
            port=door.port, secure=door.secure, body=asked.body,
        )  # fmt: skip
        self.exchange.take("extranet", ask)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_later(self.slow, self._flush)

    def _flush(self):
        self._flushing = False
        while out := self.exchange.commit():
            for _, frame in out:
                if frame.kind is Kind.ANSWER:
                    door, slot = self._waiting.pop(frame.ident)
                    door.answer(slot, frame.status, frame.content_type, frame.body)
                else:
                    self._deliver(frame)
            self.exchange.tick()

    def _deliver(self, call):
        told = message.parse(call.body, self.site)
        sep = told.head.separators
        name = told.field("PID", 5).split(sep.component)[0]
        self.taken.append((told.head.get(10), name))
        self.bodies.append(call.body)
        said = acknowledgement("AA", "").replace(b"|\r", b"|%s\r" % told.head.get(10).encode())
        self.exchange.take("intranet", Frame(Kind.RESULT, call.ident, status=200, body=said))

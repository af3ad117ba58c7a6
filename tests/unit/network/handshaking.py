"""Certificates, doors and calls on loopback for the tests of TLS."""

import asyncio
import contextlib
import dataclasses
import json
from pathlib import Path
from typing import ClassVar

from OpenSSL import SSL
from OpenSSL._util import lib

from appliance.ca import Authority
from network.gateway import certificates
from network.gateway.connect import Outward, connect
from network.gateway.suites import SUITES, Contexts, Identity, Suite, assure, context
from network.gateway.tls import Handshakes, Manner, Secured

HOME = "127.0.0.1"


def made(folder: Path, address: str = HOME) -> dict[str, Identity]:
    """Make an authority and a leg's certificates in `folder`; return the identities by kind."""
    authority = Authority(folder / "ca.crt", folder / "ca.key")
    authority.ensure("测试医院")
    certificates.ensure(folder / "keys", authority, "测试医院", {"front": address})
    told = json.loads(certificates.secrets(folder / "keys", "front"))
    return {kind: Identity(**parts) for kind, parts in told.items()}


class Desk:
    """Counts what a TLS door says of its connections."""

    def __init__(self):
        self.open, self.refusals, self.room = [], [], True

    def opened(self, door):
        if self.room:
            self.open.append(door)
        return self.room

    def closed(self, door):
        with contextlib.suppress(ValueError):
            self.open.remove(door)

    def refused(self, door, refusal):
        self.refusals.append((refusal.code, refusal.fields.get("why", "")))
        return b"{}"


class Echo(asyncio.Protocol):
    """Says back what it hears."""

    made: ClassVar[list["Echo"]] = []

    def connection_made(self, transport):
        self.transport, self.got, self.lost = transport, b"", False
        Echo.made.append(self)

    def data_received(self, data):
        self.got += data
        self.transport.write(data)

    def eof_received(self):
        return False

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    def connection_lost(self, exc):
        self.lost = True


class Hearing(asyncio.Protocol):
    """The other end of a call."""

    def __init__(self):
        self.got, self.ended = bytearray(), asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.got += data

    def connection_lost(self, exc):
        if not self.ended.done():
            self.ended.set_result(exc)

    async def heard(self, size, seconds=10.0):
        async with asyncio.timeout(seconds):
            while len(self.got) < size:
                await asyncio.sleep(0.002)
        return bytes(self.got)


@contextlib.asynccontextmanager
async def door(identities, kind, *, client_cert=False, factory=Echo, desk=None):
    """Open a TLS door on loopback; give its port and its desk."""
    Echo.made = []
    turns, desk = Handshakes(), desk or Desk()
    accepting = Contexts(identities).accepting(kind, client_cert=client_cert)
    manner = Manner(accepting, lambda c: assure(c, kind), turns, accepts=True)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Secured(manner, factory, desk=desk), HOME, 0)
    try:
        yield server.sockets[0].getsockname()[1], desk
    finally:
        server.close()
        turns.close()
        for left in (*(c.raw for c in desk.open), *(e.transport for e in Echo.made)):
            left.abort()
        await asyncio.sleep(0.01)


async def call(identities, port, secure, host=HOME):
    """Call as a leg does."""
    turns = Handshakes()
    try:
        async with asyncio.timeout(10):
            return await connect(
                Hearing, f"{host}:{port}", secure, Outward(Contexts(identities), turns)
            )
    finally:
        turns.close()


async def client(port, made_context):
    """Make a handshake with any context; return the protocol; raises `ConnectionError`.

    In TLS 1.3 a client is done before the server has looked at its certificate: one byte back and
    forth tells what became of it.
    """
    turns, loop = Handshakes(), asyncio.get_running_loop()
    manner = Manner(made_context, lambda _: None, turns, accepts=False)
    ready = loop.create_future()
    await loop.create_connection(lambda: Secured(manner, Hearing, ready=ready), HOME, port)
    try:
        async with asyncio.timeout(10):
            inner = await ready
            inner.transport.write(b"?")
            while not inner.got:
                if inner.ended.done():
                    raise ConnectionError("ended")
                await asyncio.sleep(0.002)
            return inner
    finally:
        turns.close()


def foreign(identity, kind="sm", *, newest=None, shows=True, **parts):
    """Return a peer's context that offers other things than ours does."""
    suite: Suite = dataclasses.replace(SUITES[kind], **parts)
    if newest is None:
        made_context = context(suite, identity)
    else:
        made_context = SSL.Context(SSL.TLS_METHOD)
        made_context.set_max_proto_version(newest)
    return made_context if shows else bare(suite)


def bare(suite):
    """Return a context without any certificate."""
    made_context = SSL.Context(SSL.TLS_METHOD)
    made_context.set_tls13_ciphersuites(":".join(suite.ciphers).encode())
    assert lib.SSL_CTX_set1_curves_list(made_context._context, ":".join(suite.groups).encode())
    assert lib.SSL_CTX_set1_sigalgs_list(made_context._context, ":".join(suite.signatures).encode())
    return made_context

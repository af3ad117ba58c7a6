"""TLS at the gateway's edges, both kinds, over real sockets: what is agreed, what is refused."""

import asyncio
import datetime as dt
import hashlib
import socket
import ssl
from dataclasses import replace

import pytest
import uvloop
from OpenSSL import SSL

from appliance import clock
from network.gateway import suites
from network.gateway.suites import SUITES, Agreed, NoIdentity, NotAssured, agreed, assure
from network.gateway.suites import Contexts as Known
from network.gateway.tls_line import drained
from tests.unit.network.handshaking import HOME, Echo, bare, call, client, door, foreign, made

KINDS = {
    "sm": ("TLSv1.3", "TLS_SM4_GCM_SM3", "curveSM2"),
    "tls": ("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519MLKEM768"),
}
AES = SUITES["tls"].ciphers
ECDSA = ("ecdsa_secp256r1_sha256",)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return made(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Another authority's."""
    return made(tmp_path_factory.mktemp("theirs"))


def own_mark(identity):
    """The fingerprint of a certificate, by Python's own means."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(identity.cert)).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_agreed_is_what_the_kind_says(ours, kind):
    async def run():
        async with door(ours, kind, client_cert=True) as (port, desk):
            line = await call(ours, port, kind)
            line.transport.write(b"hello")
            assert await line.heard(5) == b"hello"
            own = line.transport.get_extra_info("agreed")
            other = Echo.made[0].transport.get_extra_info("agreed")
            assert desk.refusals == []
            line.transport.close()
            await line.ended
            return own, other

    mark = own_mark(ours[kind])
    assert uvloop.run(run()) == (Agreed(*KINDS[kind], mark), Agreed(*KINDS[kind], mark))


PEERS = {
    "only X25519": {"groups": ("x25519",)},
    "only X25519MLKEM768, the library's own choice": {"groups": ("X25519MLKEM768",)},
    "only P-256": {"groups": ("secp256r1",)},
    "only ECDSA signatures": {"signatures": ECDSA},
    "only AES": {"ciphers": AES},
    "AES, X25519 and ECDSA, as a browser": {
        "ciphers": AES, "groups": ("x25519",), "signatures": ECDSA,
    },
    "at most TLS 1.2": {"newest": SSL.TLS1_2_VERSION},
    "no certificate": {"shows": False},
}  # fmt: skip


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_that_offers_something_else_is_refused_at_an_sm_door(ours, peer):
    async def run():
        async with door(ours, "sm", client_cert=True) as (port, desk):
            with pytest.raises(ConnectionError):
                await client(port, foreign(ours["sm"], **PEERS[peer]))
            await asyncio.sleep(0.02)
            assert [code for code, _ in desk.refusals] == ["gateway.bad_tls"]
            assert desk.refusals[0][1]
            assert Echo.made == []
            assert desk.open == []

    uvloop.run(run())


def test_the_same_peer_with_nothing_changed_is_served(ours):
    async def run():
        async with door(ours, "sm", client_cert=True) as (port, _):
            inner = await client(port, foreign(ours["sm"]))
            inner.transport.abort()

    uvloop.run(run())


def test_an_ecdsa_certificate_is_none_at_an_sm_door(ours):
    suite = {
        "groups": ("curveSM2",),
        "ciphers": ("TLS_SM4_GCM_SM3",),
        "signatures": ("sm2sig_sm3", *ECDSA),
    }

    async def run():
        async with door(ours, "sm", client_cert=True) as (port, desk):
            with pytest.raises(ConnectionError):
                await client(port, foreign(ours["tls"], **suite))
            await asyncio.sleep(0.02)
            assert len(desk.refusals) == 1

    uvloop.run(run())


@pytest.mark.parametrize(
    "offer",
    [{"groups": ("curveSM2",)}, {"ciphers": ("TLS_SM4_GCM_SM3",)}, {"newest": SSL.TLS1_2_VERSION}],
)
def test_the_other_door_speaks_nothing_but_its_own(ours, offer):
    async def run():
        async with door(ours, "tls") as (port, desk):
            with pytest.raises(ConnectionError):
                await client(port, foreign(ours["tls"], "tls", **offer))
            await asyncio.sleep(0.02)
            assert len(desk.refusals) == 1

    uvloop.run(run())


def test_a_library_that_was_not_listened_to_is_caught(ours):
    """The trap: left alone, OpenSSL agrees on X25519MLKEM768, which is not RFC 8998."""

    def context(identity):
        found = foreign(identity, groups=("X25519MLKEM768", "curveSM2"))
        found.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        return found

    one, other = (SSL.Connection(context(ours["sm"]), None) for _ in range(2))
    one.set_connect_state()
    other.set_accept_state()
    for _ in range(6):
        for end, far in ((one, other), (other, one)):
            try:
                end.do_handshake()
            except SSL.WantReadError:
                pass
            if data := drained(end):
                far.bio_write(data)
    assert agreed(one).group == "X25519MLKEM768"
    with pytest.raises(NotAssured, match="X25519MLKEM768"):
        assure(one, "sm")


def test_a_client_certificate_is_told_by_its_mark_not_by_its_issuer(ours, theirs):
    async def run():
        async with door(ours, "sm", client_cert=True) as (port, _):
            inner = await client(port, foreign(theirs["sm"]))
            inner.transport.abort()
            return Echo.made[0].transport.get_extra_info("fingerprint")

    assert uvloop.run(run()) == own_mark(theirs["sm"])


@pytest.mark.parametrize("days", [-1, 500])
def test_a_certificate_out_of_its_time_is_refused_also_when_pinned(ours, theirs, monkeypatch, days):
    moved = clock.now() + dt.timedelta(days=days)

    async def run():
        async with door(theirs, "tls", client_cert=True) as (port, desk):
            monkeypatch.setattr(suites, "now", lambda: moved)
            with pytest.raises(ConnectionError, match="not valid now"):
                await call(ours, port, f"tls:{own_mark(theirs['tls'])}")
            with pytest.raises(ConnectionError):
                await client(port, foreign(ours["tls"], "tls"))
            assert "not valid now" in desk.refusals[-1][1]

    uvloop.run(run())


def test_a_door_that_asks_for_no_certificate_serves_a_peer_without(ours):
    async def run():
        async with door(ours, "sm") as (port, _):
            inner = await client(port, bare(SUITES["sm"]))
            inner.transport.abort()
            return Echo.made[0].transport.get_extra_info("fingerprint")

    assert uvloop.run(run()) == ""


@pytest.mark.parametrize(("kind", "other"), [("sm", "tls"), ("tls", "sm")])
def test_a_receiver_is_the_pinned_one_or_none(ours, theirs, kind, other):
    async def refused(identities, secure):
        async with door(theirs, kind) as (port, _):
            with pytest.raises(ConnectionError) as why:
                await call(identities, port, secure)
            return str(why.value)

    async def run():
        async with door(theirs, kind) as (port, _):
            line = await call(ours, port, f"{kind}:{own_mark(theirs[kind])}")
            line.transport.abort()
        assert "pinned" in await refused(ours, f"{kind}:{own_mark(ours[kind])}")
        assert "certificate verify failed" in await refused(ours, kind)
        assert "TLS: " in await refused(ours, other)
        assert "no usable" in await refused({}, kind)

    uvloop.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_must_be_named_by_its_certificate(ours, tmp_path, kind):
    async def run():
        elsewhere = made(tmp_path, "127.0.0.9")
        async with door(elsewhere, kind) as (port, _):
            with pytest.raises(ConnectionError, match="does not name"):
                await call(elsewhere, port, kind)

    uvloop.run(run())


def test_another_implementation_is_served_and_cannot_resume(ours, tmp_path):
    """Python's ssl speaks through another build of OpenSSL; a second handshake is a whole one."""
    (tmp_path / "ca.pem").write_text(ours["tls"].ca)
    theirs = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

    def talk(port):
        session = None
        for _ in range(2):
            with socket.create_connection((HOME, port), timeout=5) as plain:
                wrapped = theirs.wrap_socket(plain, server_hostname=HOME, session=session)
                wrapped.sendall(b"abc")
                assert wrapped.recv(10) == b"abc"
                assert wrapped.version() == "TLSv1.3"
                assert not wrapped.session_reused
                session = wrapped.session
                wrapped.close()

    async def run():
        async with door(ours, "tls") as (port, desk):
            await asyncio.get_running_loop().run_in_executor(None, talk, port)
            assert desk.refusals == []

    uvloop.run(run())


def test_a_key_of_another_certificate_is_no_identity(ours, theirs):
    mixed = {"sm": replace(ours["sm"], key=theirs["sm"].key)}
    with pytest.raises(NoIdentity):
        Known(mixed).accepting("sm", client_cert=False)
    with pytest.raises(NoIdentity):
        Known({}).calling("tls", pinned=True)
    assert "PRIVATE" not in repr(ours["sm"])

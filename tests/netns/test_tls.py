"""TLS of both kinds through the whole gateway: both edges, every wire, wrong certificates."""

import json
from dataclasses import replace

import pytest
from OpenSSL import SSL

from network.gateway import transfers
from network.gateway.channel import Channel
from network.gateway.hl7.message import parse
from network.gateway.suites import SUITES, Identity, agreed, context
from tests.netns.secured import Reader, SecuredHis, SecuredReceiver, connected, identities, mark
from tests.netns.test_mllp import APPOINTMENTS, framed
from tests.netns.world import (
    APPOINTMENT,
    CHANNELS,
    EXT_MODULE,
    INT_MODULE,
    STATED,
    World,
    read_reply,
)
from tests.unit.network.mllp_talk import frames, shown

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]

BOOKED = {"resourceType": "Appointment", "status": "proposed", "description": "复诊"}
SECURED = {
    "sm": ("TLSv1.3", "TLS_SM4_GCM_SM3", "curveSM2"),
    "tls": ("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519MLKEM768"),
}


def secured(kind: str, known: dict[str, dict[str, Identity]], **changes: object) -> Channel:
    """A booking channel that is secured on both edges, both ends pinned."""
    channel = Channel(
        "booking-sec", "extranet->intranet", "store", EXT_MODULE, f"http://{INT_MODULE}:8443",
        **STATED, method="POST", path="/fhir/Booking", resource="Appointment", request=APPOINTMENT,
        rate=600000, time_limit=2.0, attempts=2, port=8443, tls=kind, target_tls=kind,
        client_cert=mark(known["module"][kind]), target_cert=mark(known["his"][kind]),
    )  # fmt: skip
    return replace(channel, **changes)


def ask(world: World, made: SSL.Context, port: int = 8443):
    """Book once over TLS; return the reply and what was agreed."""
    body = json.dumps(BOOKED).encode()
    head = f"POST /fhir/Booking HTTP/1.1\r\nHost: g\r\nContent-Length: {len(body)}\r\n\r\n"
    with connected(world, port) as plain:
        line = SSL.Connection(made, plain)
        line.set_connect_state()
        line.do_handshake()
        line.sendall(head.encode() + body)
        with Reader(line) as file:
            return read_reply(file), agreed(line)


def rules(world: World) -> list[str]:
    return [t.rule for t in transfers.read(world.layout.journal) if t.event == "refused"]


@pytest.mark.parametrize("kind", ["sm", "tls"])
def test_a_booking_is_secured_on_both_edges(world, kind):
    known = identities(world)
    world.issue(*CHANNELS, secured(kind, known))
    suite = SUITES[kind]
    his = context(suite, known["his"][kind])
    his.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *a: bool(a[-1]))
    receiver = SecuredReceiver(world, his)
    try:
        world.start()
        world.until(world.speaks)
        reply, seen = ask(world, context(suite, known["module"][kind]))
        assert reply.status == 202, reply.body
        assert (seen.version, seen.cipher, seen.group) == SECURED[kind]
        assert seen.fingerprint == mark(known["front"][kind])
        world.until(lambda: receiver.got)
        assert json.loads(receiver.got[0]) == BOOKED
        found = receiver.agreed[0]
        assert (found.version, found.cipher, found.group) == SECURED[kind]
        assert found.fingerprint == mark(known["back"][kind])

        # the right authority, the wrong certificate: the guard says no
        reply, _ = ask(world, context(suite, known["his"][kind]))
        assert (reply.status, reply.json["code"]) == (403, "gateway.wrong_certificate")

        # other groups: nobody gets as far as the guard, which is told of it
        wrong = replace(suite, groups=("secp384r1",))
        with pytest.raises(SSL.Error):
            ask(world, context(wrong, known["module"][kind]))
        with pytest.raises(SSL.Error):
            ask(
                world,
                context(
                    SUITES["tls" if kind == "sm" else "sm"],
                    known["module"]["tls" if kind == "sm" else "sm"],
                ),
            )
        world.until(lambda: rules(world).count("gateway.bad_tls") == 2)
        assert len(receiver.got) == 1
    finally:
        receiver.close()


def test_hl7_crosses_by_sm_on_both_edges(world):
    known = identities(world)
    channel = replace(
        APPOINTMENTS, port=2576, target=f"mllp://{INT_MODULE}:2576", tls="sm", target_tls="sm",
        client_cert=mark(known["module"]["sm"]),
    )  # fmt: skip
    world.issue(*CHANNELS, channel)
    his = SecuredHis(world, context(SUITES["sm"], known["his"]["sm"]))  # not pinned: by its issuer
    try:
        world.start()
        world.until(world.speaks)
        with connected(world, 2576) as plain:
            line = SSL.Connection(context(SUITES["sm"], known["module"]["sm"]), plain)
            line.set_connect_state()
            line.do_handshake()
            line.sendall(framed("A1") + framed("U1"))
            got = b""
            while got.count(b"\x1c\r") < 2:
                got += line.recv(65536)
            assert agreed(line).group == "curveSM2"
        assert [shown(frame) for frame in frames(got)] == ["AA A1", "AA U1"]
        world.until(lambda: len(his.got) == 2)
        assert [parse(m).head.get(10) for m in his.got] == ["A1", "U1"]
        assert {found.group for found in his.agreed} == {"curveSM2"}
    finally:
        his.close()


def test_a_receiver_with_another_certificate_gets_nothing(world):
    known = identities(world)
    world.issue(*CHANNELS, secured("sm", known, tls="none", client_cert="", port=8080))
    receiver = SecuredReceiver(world, context(SUITES["sm"], known["module"]["sm"]))
    try:
        world.start()
        world.until(world.speaks)
        assert world.ask("ext", "POST", "/fhir/Booking", BOOKED).status == 202
        told = lambda: list(transfers.read(world.layout.journal))  # noqa: E731
        world.until(lambda: any(t.event == "dead" for t in told()))
        assert "pinned" in next(t.note for t in told() if t.event == "dead")
        assert receiver.got == []
    finally:
        receiver.close()

"""Which channel a message belongs to: side, wire, port, sender, certificate; all else is denied."""

from dataclasses import replace

import pytest

from network.gateway.doors import Doors
from network.gateway.policy import Loaded, Policy, check
from network.gateway.refusals import NoChannel, NoPolicy, WrongCertificate, WrongPeer
from tests.unit.network.guarded import book, read
from tests.unit.network.test_policy import GOOD, STORE

CERT = "ab" * 32
PINNED = replace(GOOD, id="pinned", port=8443, tls="tls", client_cert=CERT)


def doors(*channels):
    policy = Policy(1, "", channels)
    return Doors(Loaded(policy, "", check(policy)), lambda: 0.0)


def found(ask, *channels, side="extranet"):
    return doors(*channels).find(side, ask).channel.id


def test_sender_and_place_decide():
    other = replace(GOOD, id="other", peer="10.88.0.11", target="http://10.66.0.11:8080")
    assert found(read(), GOOD, other, STORE) == "slot-read"
    assert found(read(peer="10.88.0.11"), GOOD, other, STORE) == "other"
    assert found(book(), GOOD, other, STORE) == "booking"


@pytest.mark.parametrize(
    ("ask", "side", "refusal"),
    [
        (read(), "intranet", NoChannel),
        (read(target="/fhir/Slots"), "extranet", NoChannel),
        (read(method="POST"), "extranet", NoChannel),
        (read(method="MLLP"), "extranet", NoChannel),
        (read(method="FILE"), "extranet", NoChannel),
        (read(port=8081), "extranet", NoChannel),
        (read(peer="10.88.0.66"), "extranet", WrongPeer),
    ],
)
def test_all_else_is_denied(ask, side, refusal):
    with pytest.raises(refusal):
        found(ask, GOOD, STORE, side=side)


def test_no_policy_no_way():
    with pytest.raises(NoPolicy):
        Doors(None, lambda: 0.0).judge("extranet", read())


def test_the_port_on_which_it_came_counts():
    second = replace(GOOD, id="second", port=9090)
    assert found(read(port=9090), GOOD, second) == "second"
    assert found(read(port=8080), GOOD, second) == "slot-read"


@pytest.mark.parametrize("shown", ["", "cd" * 32, CERT.upper()])
def test_a_pinned_certificate_must_be_shown(shown):
    assert found(read(port=8443, secure=CERT), PINNED) == "pinned"
    with pytest.raises(WrongCertificate):
        found(read(port=8443, secure=shown), PINNED)


def test_a_channel_of_tls_is_not_heard_in_clear():
    with pytest.raises(NoChannel):
        found(read(port=8080, secure=CERT), PINNED)


def test_ports_that_nobody_names_have_a_usual_number():
    assert GOOD.listens(8080) == 8080
    assert replace(GOOD, tls="sm").listens(8080) == 8443
    assert replace(GOOD, port=99).listens(8080) == 99
    mllp = replace(GOOD, protocol="hl7v2")
    assert (mllp.listens(8080), replace(mllp, tls="tls").listens(8080)) == (2575, 2576)
    assert replace(GOOD, protocol="files").listens(8080) == 0


@pytest.mark.parametrize(
    "other",
    [replace(STORE, tls="tls", port=8080), replace(PINNED, id="p2", tls="sm", path="/x")],
)
def test_one_port_is_heard_in_one_way(other):
    with pytest.raises(ValueError, match="port"):
        check(Policy(1, "", (GOOD, PINNED, other)))


@pytest.mark.parametrize("wrong", [{"client_cert": CERT}, {"target_cert": CERT}])
def test_a_pin_needs_tls(wrong):
    with pytest.raises(ValueError, match="certificates"):
        check(Policy(1, "", (replace(GOOD, **wrong),)))

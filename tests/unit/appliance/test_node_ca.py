"""The nodes' own CA in real handshakes: who gets in, and who does no longer."""

import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance import node_keys
from appliance.ca import Authority, BadRequest, fingerprint
from appliance.node_ca import PARTS, NodeAuthority, answers, ends_soon, unit


@pytest.fixture
def authority(tmp_path):
    (tmp_path / "tls").mkdir()
    made = NodeAuthority.of(tmp_path)
    made.ensure()
    return made


@pytest.fixture
def node(tmp_path, authority):
    """A node's keys and certificates, laid where libvirt and QEMU look."""
    top = tmp_path / "n2"
    requests = {part: text.encode() for part, text in node_keys.requests("n2", top=top).items()}
    made = {part: authority.certify(requests[part], part, ("n2", "127.0.0.1")) for part in PARTS}
    for part, pem in made.items():
        (top / node_keys.PLACES[part].certificate.lstrip("/")).write_bytes(pem)
    node_keys.lay_links(top)
    return top, requests, made


def shake(authority, server, client):
    """One mutual handshake with the revocation list in force; raises `ssl.SSLError` or returns the peer."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.certificate)
    serving.load_verify_locations(authority.revoked)
    serving.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.maximum_version = ssl.TLSVersion.TLSv1_2  # the client hears of a refusal at once
    serving.load_cert_chain(*server)
    asking = ssl.create_default_context(cafile=authority.certificate)
    asking.load_verify_locations(authority.revoked)
    asking.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    asking.load_cert_chain(*client)
    near, far = socket.socketpair()
    errors = []

    def serve():
        try:
            with serving.wrap_socket(far, server_side=True) as line:
                line.recv(1)
        except OSError as error:
            errors.append(error)
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with near, asking.wrap_socket(near, server_hostname="127.0.0.1") as line:
            line.send(b"x")
            return line.getpeercert()
    finally:
        thread.join()


def pair(top, part="libvirt"):
    place = node_keys.PLACES[part]
    return top / place.certificate.lstrip("/"), top / place.key.lstrip("/")


def test_two_nodes_know_each_other(authority, node):
    top, _, _ = node
    assert shake(authority, pair(top), pair(top))


def test_a_revoked_one_is_refused_by_client_and_server(authority, node, tmp_path):
    top, _, made = node
    other = tmp_path / "n3"
    requests = {p: t.encode() for p, t in node_keys.requests("n3", top=other).items()}
    fresh = authority.certify(requests["libvirt"], "libvirt", ("n3", "127.0.0.1"))
    (other / node_keys.PLACES["libvirt"].certificate.lstrip("/")).write_bytes(fresh)
    authority.revoke(made.values())
    assert authority.is_revoked(made["qemu"])
    assert not authority.is_revoked(fresh)
    for server, client in ((pair(top), pair(other)), (pair(other), pair(top))):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake(authority, server, client)
    assert shake(authority, pair(other), pair(other))


def test_another_ca_of_the_same_box_is_another_one(authority, node, tmp_path):
    top, _, _ = node
    console = Authority(tmp_path / "ca.crt", tmp_path / "ca.key")
    console.ensure("示范医院")
    console.issue(
        tmp_path / "leg.crt", tmp_path / "leg.key", names=["127.0.0.1"], site="x", asks=True
    )
    assert fingerprint(console.certificate.read_bytes()) != fingerprint(
        authority.certificate.read_bytes()
    )
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake(authority, pair(top), (tmp_path / "leg.crt", tmp_path / "leg.key"))


def test_a_certificate_says_what_it_is_for_and_nothing_of_the_request_but_its_key(authority, node):
    _, requests, made = node
    cert = x509.load_pem_x509_certificate(made["qemu"])
    assert unit("qemu") in cert.subject.rfc4514_string()
    assert unit("libvirt") not in cert.subject.rfc4514_string()
    uses = set(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert uses == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert answers(made, requests)
    assert not answers({**made, "qemu": made["libvirt"]}, requests)
    assert not ends_soon(made["qemu"])
    with pytest.raises(BadRequest):
        authority.certify(b"no request", "qemu", ("n2",))


def test_keys_stay_and_only_fresh_ones_are_new(tmp_path):
    first = node_keys.requests("n2", top=tmp_path)
    keys = {p: (tmp_path / node_keys.PLACES[p].key.lstrip("/")).read_bytes() for p in PARTS}
    assert keys["libvirt"] != keys["qemu"]
    assert (tmp_path / node_keys.PLACES["libvirt"].key.lstrip("/")).stat().st_mode & 0o077 == 0
    again = node_keys.requests("n2", top=tmp_path)
    assert {p: (tmp_path / node_keys.PLACES[p].key.lstrip("/")).read_bytes() for p in PARTS} == keys

    def key(pem):
        return x509.load_pem_x509_csr(pem.encode()).public_key()

    assert key(again["qemu"]) == key(first["qemu"])
    assert key(node_keys.requests("n2", fresh=True, top=tmp_path)["qemu"]) != key(first["qemu"])

"""The box's CA issues what a TLS client accepts, and renews in time."""

import socket
import ssl
import threading

from appliance.ca import Authority, covers


def test_a_client_that_trusts_the_ca_accepts_the_server(tmp_path):
    authority = Authority(tmp_path / "ca.crt", tmp_path / "ca.key")
    authority.ensure("示范医院")
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    authority.issue(certificate, key, names=["localhost", "127.0.0.1"], site="示范医院")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with server.wrap_socket(listener.accept()[0], server_side=True) as peer:
                peer.sendall(b"ok")

        thread = threading.Thread(target=answer)
        thread.start()
        client = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        with (
            socket.create_connection(listener.getsockname()) as plain,
            client.wrap_socket(plain, server_hostname="127.0.0.1") as peer,
        ):
            assert peer.recv(2) == b"ok"
        thread.join()


def test_ensure_keeps_the_ca_that_is_there(tmp_path):
    authority = Authority(tmp_path / "ca.crt", tmp_path / "ca.key")
    authority.ensure("a")
    first = authority.certificate.read_bytes()
    authority.ensure("b")
    assert authority.certificate.read_bytes() == first
    assert authority.key.stat().st_mode & 0o777 == 0o600


def test_covers_asks_for_every_name(tmp_path):
    authority = Authority(tmp_path / "ca.crt", tmp_path / "ca.key")
    authority.ensure("a")
    assert not covers(tmp_path / "s.crt", ["localhost"])
    authority.issue(tmp_path / "s.crt", tmp_path / "s.key", names=["localhost"], site="a")
    assert covers(tmp_path / "s.crt", ["localhost"])
    assert not covers(tmp_path / "s.crt", ["localhost", "10.77.0.11"])

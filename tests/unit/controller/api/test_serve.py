"""The two doors as they really are: TLS on loopback, the Unix socket, silent and wrong clients."""

import http.client
import socket
import ssl
import time
import warnings

from controller.cli.client import Box


def test_a_request_goes_through_tls_and_carries_the_security_headers(site):
    got = site.browser().ask("GET", "/api")
    assert got.status == 200
    assert "jobs" in got.json["features"]
    assert got.headers["strict-transport-security"].startswith("max-age=")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in got.headers["content-security-policy"]


def test_silent_clients_hold_up_nobody(site):
    """More silent clients than there are threads, and still each request is answered at once."""
    silent = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(40)]
    try:
        began = time.monotonic()
        for _ in range(3):
            assert site.browser().ask("GET", "/api").status == 200
        assert time.monotonic() - began < 3
    finally:
        for one in silent:
            one.close()


def test_a_client_that_stops_in_mid_handshake_holds_up_nobody(site):
    halves = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(40)]
    try:
        for one in halves:
            one.sendall(b"\x16\x03\x01\x02\x00")  # the head of a TLS record, and no more
        began = time.monotonic()
        assert site.browser().ask("GET", "/api").status == 200
        assert time.monotonic() - began < 3
    finally:
        for one in halves:
            one.close()


def test_plain_http_on_the_tls_port_is_told_so(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        while piece := plain.recv(4096):
            said += piece
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"HTTPS only" in said


def test_old_tls_is_refused(site):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as plain:
        try:
            old.wrap_socket(plain)
        except ssl.SSLError:
            return
    raise AssertionError("TLS 1.1 was accepted")


def test_keep_alive_serves_many_requests_on_one_connection(site):
    connection = http.client.HTTPSConnection("127.0.0.1", site.port, context=site.context)
    for _ in range(5):
        connection.request("GET", "/api")
        got = connection.getresponse()
        assert got.status == 200
        got.read()
    connection.close()


def test_root_at_the_socket_is_the_system_administrator_and_named_as_root(site):
    who = Box(site.socket).get("/session")
    assert (who["name"], who["role"], who["via"]) == ("sysadmin", "system", "socket uid 0")


def test_the_console_is_not_at_the_socket(site):
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(site.socket))
        plain.sendall(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert plain.recv(4096).startswith(b"HTTP/1.1 404")


def test_no_header_makes_a_browser_a_local_peer(site):
    browser = site.browser()
    browser.extra = {"X-Remote-Uid": "0", "hbox.peer": "0", "X_REMOTE_UID": "0"}
    assert browser.get("/status").status == 401


def test_clients_that_shake_hands_and_then_say_nothing_hold_up_nobody(site):
    quiet = []
    try:
        for _ in range(20):
            plain = socket.create_connection(("127.0.0.1", site.port), timeout=10)
            quiet.append(site.context.wrap_socket(plain, server_hostname="127.0.0.1"))
        began = time.monotonic()
        assert site.browser().ask("GET", "/api").status == 200
        assert time.monotonic() - began < 3
    finally:
        for one in quiet:
            one.close()

"""Certificates, calls and receivers with TLS for tests in namespaces."""

import contextlib
import hashlib
import json
import socket
import ssl
import threading

from OpenSSL import SSL

from appliance.ca import Authority
from network.gateway import certificates
from network.gateway.hl7.message import parse
from network.gateway.suites import Identity, agreed
from tests.netns.world import (
    EXT_MODULE,
    INT_MODULE,
    World,
    in_namespace,
)
from tests.unit.network.mllp_talk import acknowledgement


def mark(identity: Identity) -> str:
    """A certificate's fingerprint."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(identity.cert)).hexdigest()


def identities(world: World) -> dict[str, dict[str, Identity]]:
    """Make the legs' certificates and one of each kind for the module and the hospital's system."""
    authority = Authority(world.folder / "ca.crt", world.folder / "ca.key")
    authority.ensure("测试医院")
    everyone = {**certificates.LEGS, "module": EXT_MODULE, "his": INT_MODULE}
    certificates.ensure(world.layout.keys, authority, "测试医院", everyone)
    return {
        name: {
            kind: Identity(**told)
            for kind, told in json.loads(certificates.secrets(world.layout.keys, name)).items()
        }
        for name in everyone
    }


class SecuredReceiver:
    """The hospital's system behind TLS, with a thread per connection."""

    port = 8443

    def __init__(self, world: World, made: SSL.Context) -> None:
        self.got: list[bytes] = []
        self.agreed: list[object] = []
        self._context = made
        self._listening = in_namespace(world.machines["int"], self._listen)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _listen(self) -> socket.socket:
        made = socket.create_server((INT_MODULE, self.port))
        made.settimeout(0.2)
        return made

    def _serve(self) -> None:
        while self._listening.fileno() >= 0:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                continue
            with plain, contextlib.suppress(SSL.Error):
                plain.settimeout(None)
                self._answer(SSL.Connection(self._context, plain))

    def _answer(self, line: SSL.Connection) -> None:
        line.set_accept_state()
        line.do_handshake()
        self.agreed.append(agreed(line))
        self._talk(line)

    def _talk(self, line: SSL.Connection) -> None:
        data = b""
        while True:
            data += line.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or b"0")
            if len(body) >= length:
                self.got.append(body)
                line.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
                data = b""

    def close(self) -> None:
        self._listening.close()
        self._thread.join(2)


class SecuredHis(SecuredReceiver):
    """The same for HL7 v2."""

    port = 2576

    def _talk(self, line: SSL.Connection) -> None:
        data = b""
        while True:
            *whole, data = (data + line.recv(65536)).split(b"\x1c\r")
            for frame in whole:
                self.got.append(frame[1:])
                own = parse(frame[1:]).head.get(10).encode()
                said = acknowledgement("AA", "").replace(b"|\r", b"|%s\r" % own)
                line.sendall(b"\x0b" + said + b"\x1c\r")


def connected(world: World, port: int, side: str = "ext") -> socket.socket:
    """Connect to a leg's port from the machine on `side`."""
    zone = world.plan.extranet if side == "ext" else world.plan.intranet

    def act() -> socket.socket:
        made = socket.create_connection((zone.leg_address, port), timeout=10)
        made.settimeout(None)
        return made

    return in_namespace(world.machines[side], act)


class Reader:
    """A TLS line as a file to read a reply from."""

    def __init__(self, line: SSL.Connection) -> None:
        self._line, self._rest = line, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(SSL.Error):
            self._line.shutdown()

    def _more(self) -> None:
        self._rest += self._line.recv(65536)

    def readline(self) -> bytes:
        while b"\n" not in self._rest:
            self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

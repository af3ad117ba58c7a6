"""The authority of the nodes alone: whoever shows a certificate of it is a node of this box, or was one.

It is another one than the console's and the gateway's: libvirt and QEMU trust whatever their CA signed,
so that CA must sign nothing else. A node that left is on the revocation list.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance import ca
from appliance.clock import now
from appliance.files import write_atomically

PARTS = ("libvirt", "qemu", "log")
"""Three certificates per node: QEMU's key can be read by QEMU, and opens no libvirt; the log's opens neither."""
LOG_PEER = "log.hbox"
"""The further name in the log's certificates: by it rsyslog knows who may send, and who may receive."""
COMMON_NAME = "HBox nodes"
_ORGANIZATION = "HBox"


@dataclass(frozen=True)
class NodeAuthority:
    """The nodes' CA: certificate and revocation list may be read by all, its key by root only."""

    certificate: Path
    key: Path
    revoked: Path

    @classmethod
    def of(cls, state: Path) -> "NodeAuthority":
        """The authority of the box whose state lies in `state`."""
        tls = state / "tls"
        return cls(tls / "node-ca.crt", state / "keys" / "node-ca.key", tls / "node-ca.crl")

    def ensure(self) -> None:
        """Make the CA and its empty revocation list unless they are there."""
        ca.Authority(self.certificate, self.key).ensure(_ORGANIZATION, COMMON_NAME)
        if not self.revoked.exists():
            self._publish([])

    def certify(self, request: bytes, part: str, names: Iterable[str]) -> bytes:
        """Return a node's certificate (PEM) for the key of `request`; `names[0]` is the node's name.

        Both ends of a connection show it, so it is for servers and clients. Of the request only the
        key is taken. Raises `BadRequest`.
        """
        key = ca.requested(request)
        authority, authority_key = self._load()
        listed = list(names)
        parts = (
            (NameOID.ORGANIZATION_NAME, _ORGANIZATION),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, unit(part)),
            (NameOID.COMMON_NAME, listed[0]),
        )
        subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        also = [LOG_PEER] if part == "log" else []
        alternatives = [ca.alternative(name) for name in (*listed, *also)]
        made = (
            ca.builder(subject, authority.subject, key, ca.SERVER_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(ca.usage(signs_certificates=False), critical=True)
            .add_extension(ca.issued_by(authority_key.public_key()), critical=False)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    def revoke(self, certificates: Iterable[bytes]) -> None:
        """Put certificates (PEM) on the revocation list; one that is there already is fine."""
        listed = {entry.serial_number: entry for entry in self._list()}
        for pem in certificates:
            serial = x509.load_pem_x509_certificate(pem).serial_number
            made = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now())
            listed.setdefault(serial, made.build())
        self._publish(listed.values())

    def is_revoked(self, certificate: bytes) -> bool:
        """Whether this certificate (PEM) is on the list."""
        serial = x509.load_pem_x509_certificate(certificate).serial_number
        return any(entry.serial_number == serial for entry in self._list())

    def _list(self) -> list[x509.RevokedCertificate]:
        return list(x509.load_pem_x509_crl(self.revoked.read_bytes()))

    def _publish(self, entries: Iterable[x509.RevokedCertificate]) -> None:
        authority, key = self._load()
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.subject)
            .last_update(now() - dt.timedelta(minutes=5))
            # A list that has run out makes every certificate invalid: it lasts as long as the CA.
            .next_update(now() + dt.timedelta(days=ca.CA_DAYS))
            .add_extension(ca.issued_by(key.public_key()), critical=False)
        )
        for entry in entries:
            made = made.add_revoked_certificate(entry)
        signed = made.sign(key, hashes.SHA256())
        write_atomically(self.revoked, signed.public_bytes(Encoding.PEM), mode=0o644)

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        key = load_pem_private_key(self.key.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the CA key is not an EC key")
        return authority, key


def unit(part: str) -> str:
    """Return the organizational unit that tells libvirt's certificates from QEMU's."""
    return f"HBox {part}"


def ends_soon(certificate: bytes) -> bool:
    """Whether a certificate (PEM) has so little left that it is to be renewed."""
    left = x509.load_pem_x509_certificate(certificate).not_valid_after_utc - now()
    return left < dt.timedelta(days=ca.RENEW_DAYS)


def answers(certificates: Mapping[str, bytes], requests: Mapping[str, bytes]) -> bool:
    """Whether each part's certificate (PEM) is for the key of that part's request (PEM)."""
    if set(certificates) != set(PARTS) or set(requests) != set(PARTS):
        return False
    return all(
        x509.load_pem_x509_certificate(certificates[part]).public_key()
        == x509.load_pem_x509_csr(requests[part]).public_key()
        for part in PARTS
    )

"""The box's own certificate authority, made at first boot, and the certificates it issues.

ECDSA P-256 with SHA-256, since browsers accept no Ed25519 certificates.
"""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.clock import now
from appliance.errors import Refused, Text
from appliance.host import write_atomically

CA_DAYS = 3650
SERVER_DAYS = 397  # what browsers accept at most for a server certificate
RENEW_DAYS = 60  # a certificate with less than this left is renewed


class BadRequest(Refused):
    """A certificate request that cannot be granted."""

    code = "ca.bad_request"
    text = Text("证书申请无效：{why}", "Not a certificate request to grant: {why}")
    hint = Text(
        "请由对方系统用其自己的密钥重新生成 PKCS #10 申请（PEM）。",
        "Have the other system make a PKCS #10 request (PEM) with its own key again.",
    )


@dataclass(frozen=True)
class Authority:
    """The CA's certificate and key, both as files; the key is 0600 and never leaves the box."""

    certificate: Path
    key: Path

    def ensure(self, site: str, common: str = "HBox CA") -> None:
        """Make the CA for `site` unless it is there."""
        if self.certificate.exists() and self.key.exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(site, common)
        cert = (
            builder(name, name, key.public_key(), CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        write_atomically(self.key, _pem(key), mode=0o600)
        write_atomically(self.certificate, cert.public_bytes(Encoding.PEM), mode=0o644)

    def issue(
        self, certificate: Path, key: Path, *, names: Sequence[str], site: str, asks: bool = False
    ) -> None:
        """Write a server certificate for `names` (host names and IP addresses) and its key (0640).

        With `asks` it may also be shown by a client, and its key is for root alone (0600).
        """
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        authority_key = load_pem_private_key(self.key.read_bytes(), password=None)
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise TypeError("the CA key is not an EC key")
        own = ec.generate_private_key(ec.SECP256R1())
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, *[ExtendedKeyUsageOID.CLIENT_AUTH] * asks]
        extended = x509.ExtendedKeyUsage(uses)
        alternatives = x509.SubjectAlternativeName([alternative(name) for name in names])
        cert = (
            builder(_name(site, names[0]), authority.subject, own.public_key(), SERVER_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=False), critical=True)
            .add_extension(issued_by(authority_key.public_key()), critical=False)
            .add_extension(extended, critical=False)
            .add_extension(alternatives, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        write_atomically(key, _pem(own), mode=0o600 if asks else 0o640)
        write_atomically(certificate, cert.public_bytes(Encoding.PEM), mode=0o644)

    def certify(self, request: bytes, *, name: str, site: str) -> bytes:
        """Return a client certificate (PEM) for the key of `request`, a PKCS #10 request in PEM.

        Only its key is taken: subject and `name` (host name or IP address) are ours. The key itself
        never leaves its owner. Raises `BadRequest` unless it is a P-256 key that signed the request.
        """
        key = requested(request)
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        authority_key = load_pem_private_key(self.key.read_bytes(), password=None)
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise TypeError("the CA key is not an EC key")
        extended = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        alternatives = x509.SubjectAlternativeName([alternative(name)])
        made = (
            builder(_name(site, name), authority.subject, key, SERVER_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=False), critical=True)
            .add_extension(issued_by(authority_key.public_key()), critical=False)
            .add_extension(extended, critical=False)
            .add_extension(alternatives, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM)


def requested(request: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of a PKCS #10 request (PEM); raises `BadRequest` unless P-256 and self-signed."""
    try:
        asked = x509.load_pem_x509_csr(request)
        key, signed = asked.public_key(), asked.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadRequest(why=str(error)[:200]) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequest(why="the key is not an ECDSA P-256 key")
    if not signed:
        raise BadRequest(why="it is not signed by its own key")
    return key


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 (hex) of a PEM certificate's DER form: what a channel pins."""
    der = x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def covers(certificate: Path, names: Sequence[str]) -> bool:
    """Whether the certificate exists, names all of `names` and is not about to end."""
    if not certificate.exists():
        return False
    cert = x509.load_pem_x509_certificate(certificate.read_bytes())
    if cert.not_valid_after_utc - now() < dt.timedelta(days=RENEW_DAYS):
        return False
    held = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {alternative(name) for name in names} <= set(held)


def issued_by(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    """Return the extension that names the issuer's key."""
    # Two boxes of one site have authorities of one name: the key tells them apart.
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def alternative_text(name: str) -> str:
    """Return `name` as OpenSSL's configuration writes an alternative name."""
    made = alternative(name)
    return f"{'IP' if isinstance(made, x509.IPAddress) else 'DNS'}:{made.value}"


def alternative(name: str) -> x509.GeneralName:
    """Return a host name or an IP address as a certificate's alternative name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(site: str, common: str) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, site), (NameOID.COMMON_NAME, common)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    """Return what every certificate begins with: names, key, number, and `days` of life."""
    begin = now() - dt.timedelta(minutes=5)  # a client's clock may be a little behind
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
    )


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Return what a key may be used for: to sign certificates, or to sign a handshake."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

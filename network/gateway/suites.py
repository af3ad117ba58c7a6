"""The two ways in which the gateway speaks TLS 1.3, and what must hold of a finished handshake.

`sm` is RFC 8998: TLS_SM4_GCM_SM3 over curveSM2, signed sm2sig_sm3. `tls` is ECDSA and AES.
Groups and signature algorithms are set on each context, so that one process may speak both and
neither falls back to OpenSSL's defaults (which would agree on X25519MLKEM768). pyOpenSSL has no
method for it: these calls go to the binding beneath, and every handshake is held against what
was asked for. See docs/adr/0012.
"""

import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL, crypto
from OpenSSL._util import lib

from appliance.clock import now
from appliance.errors import Refused, Text

Kind = Literal["tls", "sm"]


@dataclass(frozen=True)
class Suite:
    """Names as OpenSSL spells them; `agreed` lists the groups that a finished handshake may show."""

    ciphers: tuple[str, ...]
    groups: tuple[str, ...]
    signatures: tuple[str, ...]


SUITES: dict[str, Suite] = {
    "sm": Suite(("TLS_SM4_GCM_SM3",), ("curveSM2",), ("sm2sig_sm3",)),
    "tls": Suite(
        ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
        ("X25519MLKEM768", "x25519", "secp256r1"),
        # RSA is for the hospital's own systems; the last two only sign certificates in TLS 1.3.
        ("ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "rsa_pss_rsae_sha256",
         "rsa_pss_pss_sha256", "rsa_pkcs1_sha256", "rsa_pkcs1_sha384"),
    ),
}  # fmt: skip
_WRONG_USE = 26  # X509_V_ERR_INVALID_PURPOSE


class NotAssured(Refused):
    """A handshake ended otherwise than asked for: group, suite, version or certificate."""

    code = "gateway.tls_not_assured"
    text = Text("TLS 握手结果不符合要求：{why}", "The handshake is not as demanded: {why}")


class NoIdentity(Refused):
    """There is no certificate of this kind for this leg."""

    code = "gateway.no_identity"
    text = Text("缺少可用的 {kind} 证书：{why}", "There is no usable certificate for {kind}: {why}")
    hint = Text("请由系统管理员重新生成网关证书。", "Make the gateway's certificates again.")


@dataclass(frozen=True)
class Identity:
    """One certificate with its key, and the authorities that a peer's must end at (PEM texts)."""

    key: str
    cert: str
    ca: str

    def __repr__(self) -> str:
        return "Identity(***)"


@dataclass(frozen=True)
class Agreed:
    """What two ends agreed on; `fingerprint` is of the peer's certificate (SHA-256, hex; or empty)."""

    version: str
    cipher: str
    group: str
    fingerprint: str


class Contexts:
    """The TLS contexts of one leg, made from the identities that the launcher handed it."""

    def __init__(self, identities: dict[str, Identity]) -> None:
        self._identities = identities
        self._made: dict[tuple[str, bool, bool], SSL.Context] = {}

    @classmethod
    def from_json(cls, data: bytes) -> "Contexts":
        """Read `{"tls": {"key", "cert", "ca"}, "sm": {…}}`, all PEM; raises `ValueError`, `TypeError`."""
        return cls({kind: Identity(**told) for kind, told in json.loads(data or b"{}").items()})

    def accepting(self, kind: str, *, client_cert: bool) -> SSL.Context:
        """Return the context of a door; with `client_cert` a peer must show one, the guard knows which."""
        return self._context(kind, accepts=True, lenient=client_cert)

    def calling(self, kind: str, *, pinned: bool) -> SSL.Context:
        """Return the context of a call; without a pin the receiver's chain must end at our authority."""
        return self._context(kind, accepts=False, lenient=pinned)

    def _context(self, kind: str, *, accepts: bool, lenient: bool) -> SSL.Context:
        at = (kind, accepts, lenient)
        if at not in self._made:
            if kind not in self._identities:
                raise NoIdentity(kind=kind, why="none was made")
            try:
                made = context(SUITES[kind], self._identities[kind])
            except (SSL.Error, crypto.Error, ValueError) as error:
                raise NoIdentity(kind=kind, why=str(error) or type(error).__name__) from error
            if lenient or not accepts:
                must = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
                made.set_verify(must, _pinned if lenient else _chained)
            self._made[at] = made
        return self._made[at]


def context(suite: Suite, identity: Identity) -> SSL.Context:
    """Return a context that knows nothing but TLS 1.3 with `suite`; no tickets, no resumption."""
    made = SSL.Context(SSL.TLS_METHOD)
    made.set_min_proto_version(SSL.TLS1_3_VERSION)
    made.set_tls13_ciphersuites(":".join(suite.ciphers).encode())
    _must(lib.SSL_CTX_set1_curves_list, made, suite.groups)
    _must(lib.SSL_CTX_set1_sigalgs_list, made, suite.signatures)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.set_options(SSL.OP_NO_TICKET)
    made.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # pyOpenSSL takes keys of `cryptography` only, which has no SM2: the binding again.
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, identity.key.encode())
    if lib.SSL_CTX_use_PrivateKey(made._context, key._pkey) != 1:
        raise NotAssured(why="the key is of no use")
    made.use_certificate(x509.load_pem_x509_certificate(identity.cert.encode()))
    made.check_privatekey()
    store = made.get_cert_store()
    if store is None:
        raise NotAssured(why="no store for authorities")
    for trusted in x509.load_pem_x509_certificates(identity.ca.encode()):
        store.add_cert(crypto.X509.from_cryptography(trusted))
    return made


def agreed(connection: SSL.Connection) -> Agreed:
    """Return what a finished handshake agreed on."""
    cert = connection.get_peer_certificate(as_cryptography=True)
    return Agreed(
        connection.get_protocol_version_name(),
        connection.get_cipher_name() or "",
        connection.get_group_name() or "",
        cert.fingerprint(hashes.SHA256()).hex() if cert else "",
    )


def assure(connection: SSL.Connection, kind: str) -> Agreed:
    """Return what was agreed; raises `NotAssured` when it is not what `kind` demands.

    The library was told the same before; this catches one that was not listened to.
    """
    found, suite = agreed(connection), SUITES[kind]
    for said, allowed in ((found.cipher, suite.ciphers), (found.group, suite.groups)):
        if said not in allowed:
            raise NotAssured(why=said or "no group")
    if found.version != "TLSv1.3":
        raise NotAssured(why=found.version)
    cert = connection.get_peer_certificate(as_cryptography=True)
    if cert and not cert.not_valid_before_utc <= now() <= cert.not_valid_after_utc:
        raise NotAssured(why="certificate is not valid now")
    return found


def assure_receiver(connection: SSL.Connection, found: Agreed, pin: str, host: str) -> None:
    """Raise `NotAssured` unless the receiver's certificate is the pinned one, or names its address."""
    if pin:
        if found.fingerprint != pin:
            raise NotAssured(why="certificate is not the pinned one")
        return
    cert = connection.get_peer_certificate(as_cryptography=True)
    if cert is None or ipaddress.ip_address(host) not in _addresses(cert):
        raise NotAssured(why="certificate does not name the receiver")


def _addresses(cert: x509.Certificate) -> list[object]:
    try:
        held = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return list(held.get_values_for_type(x509.IPAddress))


def _chained(_: SSL.Connection, __: crypto.X509, ___: int, ____: int, kept: int) -> bool:
    return bool(kept)


def _pinned(_: SSL.Connection, __: crypto.X509, fault: int, ____: int, kept: int) -> bool:
    # Its mark is what it is known by, not its issuer; `assure` looks at its dates.
    return bool(kept) or fault != _WRONG_USE


def _must(call: Callable[[Any, bytes], int], made: SSL.Context, names: tuple[str, ...]) -> None:
    if call(made._context, ":".join(names).encode()) != 1:
        raise NotAssured(why=f"the library does not know {names}")

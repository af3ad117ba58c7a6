"""Keys, signatures and their verification: Ed25519 (RFC 8032) through `cryptography`."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from appliance.canonical import digest
from appliance.errors import Refused, Text
from appliance.files import write_atomically


class BadKey(Refused):
    """A key file does not hold an Ed25519 key."""

    code = "signing.bad_key"
    text = Text("密钥文件无效：{path}", "Not an Ed25519 key: {path}")


class BadSignature(Refused):
    """A signature does not belong to these bytes and this key."""

    code = "signing.bad_signature"
    text = Text("签名与内容不符：{what}", "The signature does not match: {what}")


class SigningKey:
    """A private key; its bytes never leave this object but into its own 0600 file."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> "SigningKey":
        """Make a fresh key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a key from a PEM file (PKCS#8, not encrypted, mode 0600)."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadKey(path=path) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise BadKey(path=path)
        return cls(key)

    @classmethod
    def load_or_new(cls, path: Path) -> "SigningKey":
        """Read the key at `path`, or make one there (with `path.pub` beside it)."""
        if path.exists():
            return cls.load(path)
        key = cls.new()
        key.save(path)
        return key

    def save(self, path: Path) -> None:
        """Write the private key to `path` (0600) and the public one to `path` + `.pub` (0644)."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomically(path, pem, mode=0o600)
        write_atomically(path.with_name(path.name + ".pub"), self.public.pem, mode=0o644)

    @property
    def public(self) -> "VerifyKey":
        """The public half."""
        return VerifyKey(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature of `data`."""
        return self._key.sign(data)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.fingerprint})"


class VerifyKey:
    """A public key."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def from_pem(cls, pem: bytes) -> "VerifyKey":
        """Read a public key from PEM; raises `BadKey`."""
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadKey(path="PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise BadKey(path="PEM")
        return cls(key)

    @property
    def pem(self) -> bytes:
        """The key as PEM (SubjectPublicKeyInfo)."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """First 32 hex digits of the SHA-256 of the raw key: its name in records."""
        return digest(self._key.public_bytes(Encoding.Raw, PublicFormat.Raw))[:32]

    def verify(self, signature: bytes, data: bytes, *, what: str) -> None:
        """Return quietly if `signature` is this key's over `data`; else raise `BadSignature`."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature as error:
            raise BadSignature(what=what) from error

"""Something sealed for one reader: HPKE (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) to a key used once."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.errors import Refused, Text

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
PUBLIC = 64  # hex digits of a public key


class NotForThisKey(Refused):
    """What was sealed does not open with this key, or not for this purpose."""

    code = "onetime.not_for_this_key"
    text = Text(
        "无法开启：密钥不符或内容已损坏", "It does not open: another key, or it was damaged"
    )


class Opener:
    """The private half, kept in memory only; it never leaves this object."""

    def __init__(self) -> None:
        self._key = X25519PrivateKey.generate()

    @property
    def public(self) -> str:
        """The public half, hex."""
        return public_of(self._key)

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Return what was sealed for this key and `purpose`; raises `NotForThisKey`."""
        return open_with(self._key, sealed, purpose)

    def __repr__(self) -> str:
        return "Opener(***)"


def public_of(key: X25519PrivateKey) -> str:
    """Return the public half of `key`, hex."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def open_with(key: X25519PrivateKey, sealed: bytes, purpose: str) -> bytes:
    """Return what was sealed for `key` and `purpose`; raises `NotForThisKey`."""
    try:
        return bytes(_SUITE.decrypt(sealed, key, info=purpose.encode()))
    except (InvalidTag, ValueError) as error:
        raise NotForThisKey from error


def seal(public: str, data: bytes, purpose: str) -> bytes:
    """Return `data` so that only the holder of `public` (hex) can read it, for `purpose` alone."""
    key = X25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return bytes(_SUITE.encrypt(data, key, info=purpose.encode()))

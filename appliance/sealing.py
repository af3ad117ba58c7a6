"""Sealing for later: by a passphrase (scrypt, AES-256-GCM), a key in a file, or for a recovery key on paper (HPKE)."""

import base64
import json
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance import chance
from appliance.errors import BadInput, Refused, Text, Unavailable
from appliance.files import write_atomically
from appliance.onetime import NotForThisKey, open_with, public_of, seal
from appliance.secret import Secret

MINIMUM = 12
"""Characters of a passphrase: it is tried by whoever holds the file, without anybody counting."""

# RFC 7914; 2^16 blocks of 1 KiB: 64 MiB and about a quarter of a second for each guess.
_COST, _BLOCK, _LANES = 2**16, 8, 1
_LARGEST = 2**18  # a header that asks for more memory than this is none of ours
_SALT, _NONCE, _KEY = 16, 12, 32


class WrongKey(Refused):
    """Passphrase or recovery key is wrong, or the content was altered."""

    code = "sealing.wrong_key"
    text = Text(
        "无法开启：口令或恢复密钥不符，或文件已损坏",
        "It does not open: the passphrase or recovery key is wrong, or the file was damaged",
    )
    hint = Text(
        "请核对口令或恢复密钥后重试。", "Check the passphrase or recovery key, then try again."
    )


class NoKey(Unavailable):
    """The file that holds the key is not there, or holds no key."""

    code = "sealing.no_key"
    text = Text("密钥文件不可用：{name}", "The key's file is not to be had: {name}")
    hint = Text(
        "请在节点上重启 hbox-firstboot 服务，或从记录副本恢复。",
        "Restart hbox-firstboot on the node, or restore the records.",
    )


class Lock(Protocol):
    """Closes and opens; `purpose` binds the content to what it is for."""

    def close(self, data: bytes, purpose: str) -> bytes:
        """Return `data` sealed."""
        ...

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Return what was sealed; raises `WrongKey`."""
        ...


class Passphrase:
    """A lock of words that a person keeps. Raises `BadInput` for fewer than twelve characters."""

    def __init__(self, words: Secret) -> None:
        if len(words.reveal()) < MINIMUM:
            why = f"少于 {MINIMUM} 个字符 shorter than {MINIMUM} characters"
            raise BadInput(what="口令 passphrase", why=why)
        self._words = words

    def close(self, data: bytes, purpose: str) -> bytes:
        """See `Lock.close`. A line of JSON says how the key is derived; nonce and content follow."""
        salt, nonce = chance.raw(_SALT), chance.raw(_NONCE)
        facts = {"kdf": "scrypt", "n": _COST, "r": _BLOCK, "p": _LANES, "salt": salt.hex()}
        head = json.dumps({**facts, "cipher": "aes-256-gcm"}, sort_keys=True).encode() + b"\n"
        key = self._key(salt, _COST)
        return head + nonce + AESGCM(key).encrypt(nonce, data, head + purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """See `Lock.open`."""
        head, line, rest = sealed.partition(b"\n")
        try:
            facts = json.loads(head)
            cost, salt = int(facts["n"]), bytes.fromhex(facts["salt"])
            if not 2**14 <= cost <= _LARGEST or cost & (cost - 1):
                raise WrongKey
            key = self._key(salt, cost)
            return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], head + line + purpose.encode())
        except (ValueError, KeyError, TypeError, InvalidTag) as error:
            raise WrongKey from error

    def _key(self, salt: bytes, cost: int) -> bytes:
        kdf = Scrypt(salt=salt, length=32, n=cost, r=_BLOCK, p=_LANES)
        return kdf.derive(self._words.reveal().encode())


class KeyFile:
    """A lock whose key (32 bytes) lies in a file of this box, apart from what it closes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ensure(self, mode: int = 0o600) -> None:
        """Make the key where there is none."""
        if not self._path.exists():
            write_atomically(self._path, chance.raw(_KEY), mode=mode)

    def close(self, data: bytes, purpose: str) -> bytes:
        """See `Lock.close`. The nonce and the content follow each other; raises `NoKey`."""
        nonce = chance.raw(_NONCE)
        return nonce + self._cipher().encrypt(nonce, data, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """See `Lock.open`; raises `NoKey` too."""
        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (ValueError, InvalidTag) as error:
            raise WrongKey from error

    def _cipher(self) -> AESGCM:
        try:
            key = self._path.read_bytes()
        except OSError as error:
            raise NoKey(name=self._path.name) from error
        if len(key) != _KEY:
            raise NoKey(name=self._path.name)
        return AESGCM(key)


class RecoveryKey:
    """The private half of what copies are sealed for; shown once, typed in when all else is lost."""

    def __init__(self, key: X25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> "RecoveryKey":
        """Make a fresh key."""
        return cls(X25519PrivateKey.generate())

    @classmethod
    def read(cls, typed: Secret) -> "RecoveryKey":
        """Read the key as `spoken` wrote it; spaces and dashes do not matter; raises `WrongKey`."""
        letters = "".join(c for c in typed.reveal().upper() if c.isalnum())
        try:
            raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
            return cls(X25519PrivateKey.from_private_bytes(raw))
        except ValueError as error:
            raise WrongKey from error

    def spoken(self) -> Secret:
        """Return the key as groups of four letters and digits, to be written on paper."""
        raw = self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        letters = base64.b32encode(raw).decode().rstrip("=")
        return Secret("-".join(letters[i : i + 4] for i in range(0, len(letters), 4)))

    @property
    def public(self) -> str:
        """The public half, hex: what the box keeps."""
        return public_of(self._key)

    def close(self, data: bytes, purpose: str) -> bytes:
        """See `Lock.close`."""
        return seal(self.public, data, purpose)

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """See `Lock.open`."""
        try:
            return open_with(self._key, sealed, purpose)
        except NotForThisKey as error:
            raise WrongKey from error

    def __repr__(self) -> str:
        return "RecoveryKey(***)"


class ForRecovery:
    """The public half alone: closes, and cannot open."""

    def __init__(self, public: str) -> None:
        self.public = public

    def close(self, data: bytes, purpose: str) -> bytes:
        """See `Lock.close`."""
        return seal(self.public, data, purpose)

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """See `Lock.open`: only who has the other half can."""
        del sealed, purpose
        raise WrongKey

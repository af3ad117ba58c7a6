"""The journal's keys: message bodies are encrypted at rest with SM4-GCM (GB/T 32907, GB/T 36624).

A key file holds one line a key, `<id> <key>` in hex, the one in use first, older ones after it.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from appliance.chance import raw
from appliance.errors import Failed, Refused, Text
from appliance.files import write_atomically

FILE = "journal.key"
ID_SIZE = 8
OVERHEAD = 28  # bytes that a stored body is longer than its text: nonce and tag
_KEY, _NONCE, _OPENING, _TAG = 16, 12, 6, 16


class BadJournalKey(Failed):
    """The key file is missing or is not one; nothing may be journaled without it."""

    code = "gateway.journal_key"
    text = Text("日志密钥无效：{why}", "The journal's key is not valid: {why}")
    hint = Text(
        "请从备份恢复密钥文件；没有它无法读取已有正文。",
        "Restore the key file from the backup; without it stored bodies cannot be read.",
    )


class BodySealed(Refused):
    """A stored body does not open: it was altered, moved, or belongs to a key that is not here."""

    code = "gateway.body_sealed"
    text = Text(
        "第 {number} 条的正文无法解密：{why}",
        "The body of record {number} cannot be decrypted: {why}",
    )


@dataclass(frozen=True)
class Key:
    """One key (16 bytes) and the id (8 bytes) by which a segment names it."""

    ident: bytes
    value: bytes

    def __repr__(self) -> str:
        return f"Key({self.ident.hex()})"


class Vault:
    """Seals and opens bodies. The first key seals, all of them open.

    A nonce is six random bytes of this object and six of the record's number. Numbers grow within
    one object; after a crash or a full disk a number may come again, but then with other random bytes.
    """

    def __init__(self, keys: tuple[Key, ...]) -> None:
        if not keys:
            raise BadJournalKey(why="no key")
        self.ident = keys[0].ident
        self._ciphers = {key.ident: SM4(key.value) for key in keys}
        # By the oldest key: a mark stays the same over a change of keys.
        self._marks = _hmac(keys[-1].value, b"hbox journal mark")
        self.reopen()

    @classmethod
    def fresh(cls) -> "Vault":
        """Return one with a new key that is kept nowhere; for tests and benches."""
        return cls((_new(),))

    def reopen(self) -> None:
        """Take new random bytes; call it before any number is used a second time."""
        self._opening = raw(_OPENING)

    def seal(self, number: int, told: bytes, body: bytes) -> bytes:
        """Return `nonce ‖ ciphertext ‖ tag`, bound to the record's number and facts."""
        nonce = self._opening + number.to_bytes(_NONCE - _OPENING, "big")
        cipher = Cipher(self._ciphers[self.ident], GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(number.to_bytes(8, "big") + told)
        return b"".join((nonce, cipher.update(body), cipher.finalize(), cipher.tag))

    def open(self, ident: bytes, number: int, told: bytes, stored: bytes) -> bytes:
        """Return the body; raises `BodySealed`."""
        if ident not in self._ciphers:
            raise BodySealed(number=number, why=f"no key {ident.hex()}")
        if len(stored) < OVERHEAD:
            raise BodySealed(number=number, why="too short")
        nonce, text, tag = stored[:_NONCE], stored[_NONCE:-_TAG], stored[-_TAG:]
        cipher = Cipher(self._ciphers[ident], GCM(nonce, tag)).decryptor()
        cipher.authenticate_additional_data(number.to_bytes(8, "big") + told)
        try:
            return cipher.update(text) + cipher.finalize()
        except InvalidTag as error:
            raise BodySealed(number=number, why="it was altered") from error

    def mark(self, data: bytes) -> str:
        """Return a name of `data` (HMAC-SM3, hex) that tells nothing to who has no key."""
        return _hmac(self._marks, data).hex()


def ensure(path: Path) -> None:
    """Make the key file (0600) if there is none."""
    if not path.exists():
        _save(path, (_new(),))


def rotate(path: Path) -> None:
    """Put a new key before those that are there; the gateway seals with it from its next start."""
    _save(path, (_new(), *parse(_text(path))))


def load(path: Path) -> Vault:
    """Read the key file; raises `BadJournalKey`."""
    return Vault(parse(_text(path)))


def handed(descriptor: int) -> Vault:
    """Read the keys from the pipe that the launcher filled, and close it; raises `BadJournalKey`."""
    with os.fdopen(descriptor, "rb") as pipe:
        told = pipe.read()
    try:
        text = json.loads(told)["journal_key"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadJournalKey(why="the launcher handed none") from error
    return Vault(parse(str(text)))


def parse(text: str) -> tuple[Key, ...]:
    """Return the keys that a key file's text holds; raises `BadJournalKey`."""
    try:
        pairs = [line.split() for line in text.splitlines() if line.strip()]
        keys = tuple(Key(bytes.fromhex(ident), bytes.fromhex(value)) for ident, value in pairs)
    except ValueError as error:
        raise BadJournalKey(why="a line is not two hex numbers") from error
    if any(len(key.ident) != ID_SIZE or len(key.value) != _KEY for key in keys):
        raise BadJournalKey(why="a number has not its length")
    if len({key.ident for key in keys}) != len(keys):
        raise BadJournalKey(why="an id stands twice")
    return keys


def _hmac(key: bytes, data: bytes) -> bytes:
    state = HMAC(key, SM3())
    state.update(data)
    return state.finalize()


def _new() -> Key:
    return Key(raw(ID_SIZE), raw(_KEY))


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BadJournalKey(why=os.strerror(getattr(error, "errno", 0) or 22)) from error


def _save(path: Path, keys: tuple[Key, ...]) -> None:
    lines = "".join(f"{key.ident.hex()} {key.value.hex()}\n" for key in keys)
    write_atomically(path, lines.encode(), mode=0o600)

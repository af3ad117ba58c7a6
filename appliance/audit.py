"""The audit chain: every entry carries the hash of the one before, heads are sealed with a key.

Who writes an entry needs no key; who seals holds the audit key. An entry altered, dropped or
swapped breaks the chain; a chain cut off at its end no longer reaches the last seal.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from appliance.canonical import canonical, digest
from appliance.errors import Refused, Text
from appliance.signing import SigningKey, VerifyKey

GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One audited act. `number` counts from 1 without gaps; `at` is RFC 3339 UTC."""

    number: int
    at: str
    actor: str
    role: str
    act: str
    object: str
    detail: str
    outcome: str
    previous: str
    hash: str = ""


@dataclass(frozen=True)
class Seal:
    """A signed statement that the chain had `number` entries and ended in `head` at `at`."""

    number: int
    head: str
    at: str
    key: str
    signature: str


class ChainBroken(Refused):
    """The audit chain does not hold at entry `number`."""

    code = "audit.chain_broken"
    text = Text(
        "审计链在第 {number} 条处断裂：{why}", "The audit chain breaks at entry {number}: {why}"
    )
    hint = Text(
        "请立即通知审计管理员并保全数据库与封印文件。",
        "Tell the audit administrator at once; keep the database and the seal file as they are.",
    )


def link(entry: Entry, previous_hash: str) -> Entry:
    """Return `entry` bound to the one before it, with its own hash filled in."""
    bound = replace(entry, previous=previous_hash, hash="")
    return replace(bound, hash=_hash(bound))


def verify(entries: Iterable[Entry], *, start: int = 1, previous: str = GENESIS) -> str:
    """Check numbering, links and hashes in order; return the head's hash; raise `ChainBroken`."""
    expected = start
    for entry in entries:
        if entry.number != expected:
            raise ChainBroken(number=expected, why=f"found number {entry.number}")
        if entry.previous != previous:
            raise ChainBroken(number=entry.number, why="it does not follow the entry before it")
        if entry.hash != _hash(replace(entry, hash="")):
            raise ChainBroken(number=entry.number, why="its content was altered")
        previous = entry.hash
        expected += 1
    return previous


def seal(number: int, head: str, at: str, key: SigningKey) -> Seal:
    """Sign the statement that the chain ends in `head` with `number` entries."""
    signature = key.sign(_statement(number, head, at)).hex()
    return Seal(number, head, at, key.public.fingerprint, signature)


def check_seal(held: Seal, key: VerifyKey) -> None:
    """Raise `BadSignature` unless `held` was signed by `key`."""
    statement = _statement(held.number, held.head, held.at)
    key.verify(bytes.fromhex(held.signature), statement, what=f"audit seal {held.number}")


def _statement(number: int, head: str, at: str) -> bytes:
    return canonical({"at": at, "head": head, "number": number, "what": "hbox audit seal"})


def _hash(entry: Entry) -> str:
    return digest(canonical([getattr(entry, name) for name in _HASHED]))


_HASHED = ("number", "at", "actor", "role", "act", "object", "detail", "outcome", "previous")

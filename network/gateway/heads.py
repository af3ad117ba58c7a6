"""Sealed heads: who signed, when, that the journal had come to which record; one JSON line each.

A line carries an Ed25519 and an SM2 signature (with SM3) over the same bytes, its own running number,
and the SM3 of the line before it: lines cannot be changed, left out or put in. An `anchor` says that
what lies before it was removed by retention.
"""

import itertools
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from appliance.canonical import canonical
from appliance.clock import iso
from appliance.errors import Refused, Text
from appliance.files import write_atomically
from appliance.signing import SigningKey, VerifyKey
from appliance.sm2 import Sm2Key, Sm2PublicKey
from network.gateway.records import sm3

FILE = Path("audit/journal-heads.jsonl")  # below the box's state
ED25519, SM2 = "journal-ed25519.key", "journal-sm2.key"  # in the box's folder of keys
_DOMAIN = b"hbox gateway journal head 1\n"
_MARK = '{"ed25519":'  # how a line begins, also inside a line of syslog
_CHECKED = 2000  # lines whose signatures are checked; the chain of lines covers those before


class HeadsBroken(Refused):
    """The sealed heads were altered, cut, or belong to another box or journal."""

    code = "gateway.heads_broken"
    text = Text("网关日志封存记录无效：{why}", "The journal's sealed heads do not hold: {why}")
    hint = Text(
        "请保全日志与封存文件，并与日志服务器上的副本比对。",
        "Keep journal and heads as they are; compare them with the copy on the syslog server.",
    )


@dataclass(frozen=True)
class Head:
    """Record `number` had the hash `chain` at `at` (RFC 3339 UTC), under the policy with digest `policy`.

    `seq` numbers the lines, `previous` is the SM3 of the line before (without its line end).
    """

    number: int
    chain: str
    at: str = ""
    policy: str = ""
    kind: Literal["head", "anchor"] = "head"
    seq: int = 1
    previous: str = ""


_NAMES = {f.name for f in fields(Head)}


@dataclass(frozen=True)
class Sealed:
    """A head with the line that it stands in, without line end."""

    head: Head
    line: bytes


@dataclass(frozen=True)
class Signers:
    """The box's two private keys for heads."""

    ed25519: SigningKey
    sm2: Sm2Key

    @classmethod
    def ensure(cls, keys: Path) -> "Signers":
        """Read both from the folder `keys`, made there if they are missing (0600, `.pub` beside)."""
        return cls(SigningKey.load_or_new(keys / ED25519), Sm2Key.load_or_new(keys / SM2))

    @property
    def public(self) -> "Verifiers":
        """The public halves."""
        return Verifiers(self.ed25519.public, self.sm2.public)


@dataclass(frozen=True)
class Verifiers:
    """The two public keys."""

    ed25519: VerifyKey
    sm2: Sm2PublicKey

    @classmethod
    def load(cls, keys: Path) -> "Verifiers":
        """Read both `.pub` files from the folder `keys`."""
        return cls(
            VerifyKey.from_pem((keys / f"{ED25519}.pub").read_bytes()),
            Sm2PublicKey((keys / f"{SM2}.pub").read_bytes()),
        )


def sign(head: Head, ed25519: SigningKey, sm2: Sm2Key) -> bytes:
    """Return the line of `head`, without line end."""
    data = _DOMAIN + canonical(asdict(head))
    return canonical(
        {
            "head": asdict(head),
            "ed25519": ed25519.sign(data).hex(),
            "sm2": sm2.sign(data).hex(),
        }
    )


def parse(line: bytes) -> Sealed:
    """Return what a line says, unverified; raises `HeadsBroken`."""
    try:
        told = json.loads(line)["head"]
        return Sealed(Head(**{name: told[name] for name in _NAMES}), line)
    except (ValueError, KeyError, TypeError) as error:
        raise HeadsBroken(why="a line is not a head") from error


def verify(line: bytes, keys: Verifiers) -> Head:
    """Return the head whose line both keys have signed; raises `HeadsBroken`, `BadSignature`."""
    sealed = parse(line)
    told = json.loads(line)
    data = _DOMAIN + canonical(told["head"])
    what = f"journal head {sealed.head.seq}"
    try:
        keys.ed25519.verify(bytes.fromhex(told["ed25519"]), data, what=what)
        keys.sm2.verify(bytes.fromhex(told["sm2"]), data, what=f"{what} (SM2)")
    except (KeyError, TypeError, ValueError) as error:
        raise HeadsBroken(why="a line is not signed twice") from error
    return sealed.head


def seal(file: Path, head: Head, signers: Signers) -> bytes:
    """Sign `head` as the next line of `file`, append it durably, and return it (for syslog)."""
    last = last_line(file)
    seq = last.head.seq + 1 if last else 1
    previous = sm3(last.line).hex() if last else ""
    told = Head(head.number, head.chain, iso(), head.policy, head.kind, seq, previous)
    line = sign(told, signers.ed25519, signers.sm2)
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        _end_line(descriptor)
        os.write(descriptor, line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return line


def _end_line(descriptor: int) -> None:
    """Cut off a line that a crash left unfinished: it was told to nobody."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, 8192, max(0, size - 8192))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(descriptor, size - len(tail) + tail.rfind(b"\n") + 1)


def last_line(file: Path) -> Sealed | None:
    """Return the last whole line of `file`, unverified; None before the first."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - 16384))
            whole = opened.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    return parse(whole[-1]) if whole else None


def read(data: bytes, keys: Verifiers) -> list[Sealed]:
    """Return the lines of a heads file, checked: their chain, their numbers, and both signatures.

    The first line is number 1, unless an anchor says that what older lines sealed is gone.
    Raises `HeadsBroken` or `BadSignature`.
    """
    lines = [parse(line) for line in data.split(b"\n")[:-1]]
    for before, after in itertools.pairwise(lines):
        held = (after.head.seq, after.head.previous)
        if held != (before.head.seq + 1, sm3(before.line).hex()):
            raise HeadsBroken(why=f"line {after.head.seq} does not follow the one before it")
    anchors = [line.head.number for line in lines if line.head.kind == "anchor"]
    if lines and lines[0].head.seq != 1 and lines[0].head.number < min(anchors, default=1 << 63):
        raise HeadsBroken(why="their beginning is missing")
    for line in (*lines[:1], *lines[-_CHECKED:]):
        verify(line.line, keys)
    return lines


def put_away(file: Path, number: int) -> None:
    """Remove the lines that speak only of records up to `number`, which are gone; not their anchor."""
    whole = file.read_bytes().split(b"\n")[:-1]
    for at, line in enumerate(whole):
        head = parse(line).head
        if head.number > number or (head.kind, head.number) == ("anchor", number):
            write_atomically(file, b"\n".join(whole[at:]) + b"\n", mode=0o640)
            return


def in_syslog(text: Iterable[str]) -> Iterator[bytes]:
    """Yield the heads' lines that stand in lines of a syslog file."""
    for line in text:
        at = line.find(_MARK)
        if at >= 0:
            yield line[at:].strip().encode()

"""The box's records in one portable file: a zip of JSON lines, a signed manifest, the box's own files sealed.

    manifest.json      form, schema revision, when, of which box, SHA-256 and rows of every member
    manifest.sig       Ed25519 by the box's audit key, over the bytes of manifest.json
    tables/NAME.jsonl  one JSON object per row
    state.sealed       a tar of keys, seals, policy and notes: sealed by a passphrase or a recovery key

The key that verifies the manifest lies inside `state.sealed`: whoever can open it knows that the
whole comes from the box that closed it.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from appliance import clock
from appliance.canonical import canonical, digest
from appliance.errors import Refused, Text
from appliance.sealing import Lock
from appliance.signing import BadSignature, SigningKey, VerifyKey

FORM = "hbox-records-1"
MANIFEST, SIGNATURE, STATE = "manifest.json", "manifest.sig", "state.sealed"
_LARGEST = 8 * 1024**3  # bytes of one member, unpacked
_PURPOSE = "hbox records state"


class BadParcel(Refused):
    """The file is not what the box wrote; `why` says which part."""

    code = "records.bad_file"
    text = Text("记录文件无效：{why}", "Not a good file of records: {why}")


@dataclass(frozen=True)
class Origin:
    """Where a parcel comes from: site, node, schema revision, how many entries the audit chain had."""

    site: str
    node: str
    revision: str
    entries: int
    head: str
    at: str


@dataclass(frozen=True)
class Opened:
    """A parcel that was verified. `state` is the tar of the box's own files."""

    origin: Origin
    rows: dict[str, int]
    state: bytes
    archive: zipfile.ZipFile

    def tables(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Give each table's name and lines, verified already."""
        for name in self.rows:
            yield name, self._lines(name)

    def _lines(self, name: str) -> Iterator[bytes]:
        with self.archive.open(f"tables/{name}.jsonl") as member:
            yield from member


class Packing:
    """Writes a parcel into an open file, member by member; `close` signs it."""

    def __init__(self, file: IO[bytes], key: SigningKey) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._key = key
        self._members: dict[str, dict[str, Any]] = {}

    def table(self, name: str, rows: Iterable[bytes]) -> None:
        """Add a table."""
        sums, count = hashlib.sha256(), 0
        with self._zip.open(f"tables/{name}.jsonl", "w", force_zip64=True) as member:
            for row in rows:
                member.write(row)
                sums.update(row)
                count += 1
        self._members[f"tables/{name}.jsonl"] = {"sha256": sums.hexdigest(), "rows": count}

    def state(self, tar: bytes, lock: Lock) -> None:
        """Add the box's own files, sealed."""
        sealed = lock.close(tar, _PURPOSE)
        self._zip.writestr(STATE, sealed)
        self._members[STATE] = {"sha256": digest(sealed)}

    def close(self, origin: Origin) -> None:
        """Write the manifest and its signature."""
        said = {"form": FORM, "origin": asdict(origin), "members": self._members}
        manifest = canonical(said)
        self._zip.writestr(MANIFEST, manifest)
        self._zip.writestr(SIGNATURE, self._key.sign(manifest).hex())
        self._zip.close()


def origin(site: str, node: str, revision: str, chain: tuple[int, str]) -> Origin:
    """Say where a parcel that is made now comes from."""
    return Origin(site, node, revision, chain[0], chain[1], clock.iso())


def unpack(file: IO[bytes], lock: Lock, key_of: str) -> Opened:
    """Verify a parcel and return it; `key_of` names the public key's file in the state's tar.

    Raises `BadParcel`, and `WrongKey` where the lock does not open it.
    """
    try:
        archive = zipfile.ZipFile(file)
        manifest = _small(archive, MANIFEST)
        said = json.loads(manifest)
        if said.get("form") != FORM:
            raise BadParcel(why=f"form {said.get('form')!r}")
        _check(archive, said["members"])
        state = lock.open(archive.read(STATE), _PURPOSE)
        public = VerifyKey.from_pem(_from_tar(state, key_of))
        public.verify(bytes.fromhex(_small(archive, SIGNATURE).decode()), manifest, what=MANIFEST)
        found = Origin(**said["origin"])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, BadSignature) as error:
        raise BadParcel(why=str(error)) from error
    rows = {Path(n).stem: int(m["rows"]) for n, m in said["members"].items() if n != STATE}
    return Opened(found, rows, state, archive)


def _check(archive: zipfile.ZipFile, members: dict[str, dict[str, Any]]) -> None:
    listed = {*members, MANIFEST, SIGNATURE}
    if sorted(archive.namelist()) != sorted(listed):
        raise BadParcel(why="members are missing, doubled or not listed")
    for name, facts in members.items():
        sums, size = hashlib.sha256(), 0
        with archive.open(name) as member:
            while piece := member.read(1 << 20):
                size += len(piece)
                if size > _LARGEST:
                    raise BadParcel(why=f"{name} is too large")
                sums.update(piece)
        if sums.hexdigest() != facts["sha256"]:
            raise BadParcel(why=f"{name} was altered")


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(1 << 20)


def _from_tar(state: bytes, name: str) -> bytes:
    import tarfile  # noqa: PLC0415 - only who restores needs it

    with tarfile.open(fileobj=io.BytesIO(state)) as tar:
        member = tar.extractfile(name)
        if member is None:
            raise BadParcel(why=f"no {name}")
        return member.read(1 << 16)

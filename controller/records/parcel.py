"""The box's records in one portable file: a zip of JSON lines, a signed manifest, the box's own files sealed.

    manifest.json      form, schema revision, when, of which box, SHA-256 and rows of every member
    manifest.sig       Ed25519 by the box's audit key, over the bytes of manifest.json
    tables/NAME.jsonl  one JSON object per row
    state.sealed       a tar of keys, seals, policy and notes: sealed by a passphrase or a recovery key
    attachments.key    the key of this file's attachments, sealed as the state is
    attachments/SHA256 an attachment of people's statements, sealed for that key

The key that verifies the manifest lies inside `state.sealed`: whoever can open it knows that the
whole comes from the box that closed it.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from appliance import clock
from appliance.canonical import canonical, digest
from appliance.errors import Refused, Text
from appliance.sealing import Lock, RecoveryKey
from appliance.secret import Secret
from appliance.signing import BadSignature, SigningKey, VerifyKey

FORM = "hbox-records-2"
_READ = ("hbox-records-1", FORM)  # the first had no attachments
MANIFEST, SIGNATURE, STATE = "manifest.json", "manifest.sig", "state.sealed"
_LARGEST = 8 * 1024**3  # bytes of one member, unpacked
_PURPOSE = "hbox records state"
KEY, ATTACHMENTS = "attachments.key", "attachments/"
_KEY_PURPOSE = "hbox records attachments"
_LARGEST_ATTACHMENT = 21 << 20  # bytes, sealed


class BadParcel(Refused):
    """The file is not what the box wrote; `why` says which part."""

    code = "records.bad_file"
    text = Text("记录文件无效：{why}", "Not a good file of records: {why}")
    hint = Text(
        "请换用另一份导出文件或副本；本机记录未改动。",
        "Use another exported file, or a copy; the records here are unchanged.",
    )


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
    """A parcel that was verified. `state` is the tar of the box's own files.

    `attachments` opens each by its SHA-256, and raises what the zip or the seal raises; whoever asks compares the digest.
    """

    origin: Origin
    rows: dict[str, int]
    state: bytes
    archive: zipfile.ZipFile
    attachments: dict[str, Callable[[], bytes]] = field(default_factory=dict)

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

    def attachments(
        self, lock: Lock, seal: Callable[[RecoveryKey], Iterable[tuple[str, bytes]]]
    ) -> set[str]:
        """Add what `seal` gives for a key of this file alone: SHA-256 and sealed bytes. Return what was added."""
        key, added = RecoveryKey.new(), set()
        self._plain(KEY, lock.close(key.spoken().reveal().encode(), _KEY_PURPOSE))
        for seen, sealed in seal(key):
            self._plain(ATTACHMENTS + seen, sealed)
            added.add(seen)
        return added

    def _plain(self, name: str, sealed: bytes) -> None:
        self._zip.writestr(name, sealed, compress_type=zipfile.ZIP_STORED)
        self._members[name] = {"sha256": digest(sealed)}

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


def unpack(file: IO[bytes], lock: Lock, key_of: str, purpose: str = "") -> Opened:
    """Verify a parcel and return it; `key_of` names the public key's file in the state's tar.

    `purpose` is what attachments are sealed for. They are verified one by one when they are opened: a damaged one
    need not keep the rest from being restored.

    Raises `BadParcel`, and `WrongKey` where the lock does not open it.
    """
    try:
        archive = zipfile.ZipFile(file)
        manifest = _small(archive, MANIFEST)
        said = json.loads(manifest)
        if said.get("form") not in _READ:
            raise BadParcel(why=f"form {said.get('form')!r}")
        _check(archive, said["members"])
        state = lock.open(archive.read(STATE), _PURPOSE)
        public = VerifyKey.from_pem(_from_tar(state, key_of))
        public.verify(bytes.fromhex(_small(archive, SIGNATURE).decode()), manifest, what=MANIFEST)
        found = Origin(**said["origin"])
        papers = _attachments(archive, lock, purpose, list(said["members"]))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, BadSignature) as error:
        raise BadParcel(why=str(error)) from error
    tables = {n: m for n, m in said["members"].items() if n.startswith("tables/")}
    rows = {Path(n).stem: int(m["rows"]) for n, m in tables.items()}
    return Opened(found, rows, state, archive, papers)


def _attachments(
    archive: zipfile.ZipFile, lock: Lock, purpose: str, members: list[str]
) -> dict[str, Callable[[], bytes]]:
    """Return what opens each attachment that the manifest lists; the zip may have lost it."""
    if KEY not in members:
        return {}
    key = RecoveryKey.read(Secret(lock.open(_small(archive, KEY), _KEY_PURPOSE).decode()))

    def opener(name: str) -> Callable[[], bytes]:
        def get() -> bytes:
            if archive.getinfo(name).file_size > _LARGEST_ATTACHMENT:
                raise ValueError(name)
            return key.open(archive.read(name), purpose + name.removeprefix(ATTACHMENTS))

        return get

    listed = [name for name in members if name.startswith(ATTACHMENTS)]
    return {name.removeprefix(ATTACHMENTS): opener(name) for name in listed}


def _check(archive: zipfile.ZipFile, members: dict[str, dict[str, Any]]) -> None:
    listed, found = {*members, MANIFEST, SIGNATURE}, archive.namelist()
    needed = {name for name in listed if not name.startswith(ATTACHMENTS)}
    if len(found) != len(set(found)) or not needed <= set(found) <= listed:
        raise BadParcel(why="members are missing, doubled or not listed")
    for name, facts in members.items():
        if name not in needed:
            continue
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

"""Evidence that volumes were erased (剩余信息保护): one signed line each, chained, in a file of its own."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from appliance import clock
from appliance.canonical import canonical, digest
from appliance.files import write_atomically
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.drivers.storage import Erased, StorageDriver
from controller.records.session import reading
from controller.records.tables import Job
from controller.workers.site import Site

FOLDER, FILE, KEY = "erasures", "erased.jsonl", "report.key"


@dataclass(frozen=True)
class Evidence:
    """The file of one box. `key` is the box's key for reports."""

    path: Path
    key: SigningKey

    @classmethod
    def of(cls, settings: Settings) -> "Evidence":
        """Return the box's own; who only reads checks it with the public key beside it."""
        folder = settings.state / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        key = SigningKey.load_or_new(settings.keys / KEY)
        beside = folder / f"{KEY}.pub"
        if not beside.exists() or beside.read_bytes() != key.public.pem:
            write_atomically(beside, key.public.pem)
        return cls(folder / FILE, key)

    def add(self, **said: Any) -> None:
        """Append one line, signed, after the last one; on disk before it counts."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # several jobs erase at once
            last = _last(descriptor)
            number = int(json.loads(last)["number"]) + 1 if last else 1
            body = {**said, "number": number, "at": clock.iso(), "previous": digest(last)}
            signed = {**body, "signature": self.key.sign(canonical(body)).hex()}
            os.write(descriptor, canonical(signed) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def erase(
    site: Site, storage: StorageDriver, volume: str, node: str, *, known: bool = False
) -> Erased | None:
    """Erase a volume and put the evidence on record; None when there was nothing to erase.

    `known`: the caller has just seen that it is there.

    Before it begins a line says so: if the worker dies between the deed and its line, the next run
    finds nothing and can only say that the figures are lost.
    """
    evidence = Evidence.of(site.settings)
    where = {"volume": volume, "storage": storage.name, "node": node, **_asked(site)}
    if not known and volume not in storage.volumes():
        if _unfinished(evidence.path, volume, site.job_id):
            evidence.add(what="lost", **where)
        return None
    evidence.add(what="begun", **where)
    gone = storage.erase(volume)
    if gone is not None:
        evidence.add(what="erased", **where, **_facts(gone))
    return gone


def told(gone: Erased) -> str:
    """Return one line for a job's log."""
    read = "已回读校验 read back" if gone.verified else "未回读 not read back"
    return (
        f"已清除 erased: {gone.volume} {gone.bytes} B, {gone.method}, {gone.seconds:.1f} s, {read}"
    )


def _facts(gone: Erased) -> dict[str, Any]:
    facts = asdict(gone)
    del facts["volume"]
    return {**facts, "seconds": round(gone.seconds, 2)}


def _asked(site: Site) -> dict[str, Any]:
    with reading(site.engine) as session:
        job = session.get(Job, site.job_id)
    found = {"job": job.number, "actor": job.actor} if job is not None else {"job": 0, "actor": ""}
    return {**found, "job_id": site.job_id}


def _unfinished(path: Path, volume: str, job_id: str) -> bool:
    """Whether this job's last word on the volume is that it began."""
    if not path.exists():
        return False
    said = ""
    for line in path.read_bytes().splitlines():
        found = json.loads(line)
        if (found.get("volume"), found.get("job_id")) == (volume, job_id):
            said = str(found["what"])
    return said == "begun"


def _last(descriptor: int) -> bytes:
    """Return the last whole line; what follows it was torn by a power cut and never counted."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - 65536)
    tail = os.pread(descriptor, size - start, start)
    whole, _, torn = tail.rpartition(b"\n")
    if torn:
        os.ftruncate(descriptor, size - len(torn))
    return whole.rpartition(b"\n")[2]

"""The box's records and its own files, packed into one portable file from one consistent moment."""

import io
import socket
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from appliance.sealing import Lock
from appliance.settings import FILE, Settings
from appliance.signing import SigningKey
from controller.jobs.states import FINAL
from controller.records import audit, copying
from controller.records.parcel import Origin, Packing, origin
from controller.records.session import reading, transaction
from controller.records.tables import Job
from controller.workers import records_papers as papers

FOLDERS = (
    "keys", "tls", "audit", "channels", "codes", "nodes", "network", "peers", "modules", "signatures",
)  # fmt: skip
"""What the records need beside the tables. Journal, reports, volumes and uploads stay where they are.

Attachments of statements go along one by one (`controller.workers.records_papers`).
"""

LEDGERS = "worker"
SETTINGS = "settings.toml"
"""The settings file as it was there. It is no part of the state: a takeover puts it in force."""
_FILES = ("gateway/policy.signed", "first-login.txt")
_LARGEST = 4 << 20  # bytes of one file: payloads of modules stay behind, their approvals do not
AUDIT_KEY = "keys/audit.key.pub"


@dataclass(frozen=True)
class Packed:
    """What was written. `attachments`: SHA-256 -> name of all that statements name; `lack` those that could not go along."""

    origin: Origin
    attachments: dict[str, str]
    lack: tuple[str, ...]


def pack(
    settings: Settings, engine: Engine, file: IO[bytes], lock: Lock, *, whole: bool = True
) -> Packed:
    """Write records and state into `file`; return where they come from. Needs root, for the keys.

    Not `whole`: attachments do not go into the file, since they are kept apart from it.
    Ledgers are read before the tables: a job that had ended by then is not gone on with elsewhere.
    """
    ledgers = {path.stem: path.read_bytes() for path in (settings.state / LEDGERS).glob("*.jsonl")}
    parcel = Packing(file, SigningKey.load(settings.keys / "audit.key"))
    with reading(engine) as session:
        for name in copying.names():
            parcel.table(name, copying.lines(session, name))
        over = _over(session)
        held = {name: data for name, data in ledgers.items() if name not in over}
        chain = (audit.length(session), _head(session))
        made = origin(settings.site_name, socket.gethostname(), copying.revision(session), chain)
        wanted = papers.named(session)
    parcel.state(_tar(settings.state, held), lock)
    lack: tuple[str, ...] = ()
    if whole:
        state, names = settings.state, list(wanted)
        added = parcel.attachments(lock, lambda key: papers.sealed(state, names, key))
        lack = papers.told(wanted, [seen for seen in names if seen not in added])
    parcel.close(made)
    return Packed(made, wanted, lack)


def note(engine: Engine, made: Origin) -> None:
    """Put on the audit chain that everything was exported: a backup that nobody can show is none."""
    act = audit.entry(
        "root",
        "system",
        "records.export",
        on="records/export",
        outcome="done",
        detail=f"{made.entries}",
    )
    with transaction(engine) as session:
        audit.append(session, act)


def _over(session: Session) -> set[str]:
    ended = select(Job.id).where(Job.state.in_([str(state) for state in FINAL]))
    return set(session.scalars(ended))


def _head(session: Session) -> str:
    last = audit.page(session, limit=1)
    return last[0].hash if last else ""


def _tar(state: Path, ledgers: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        for path in _chosen(state):
            tar.add(path, arcname=str(path.relative_to(state)), recursive=False)
        if FILE.is_file():
            tar.add(FILE, arcname=SETTINGS, recursive=False)
        for name, data in ledgers.items():
            member = tarfile.TarInfo(f"{LEDGERS}/{name}.jsonl")
            member.size, member.mode = len(data), 0o600
            tar.addfile(member, io.BytesIO(data))
    return held.getvalue()


def _chosen(state: Path) -> Iterator[Path]:
    found = [path for name in FOLDERS for path in sorted((state / name).rglob("*"))]
    found += [state / name for name in _FILES]
    found += sorted(path for path in state.glob("*.json*") if path.is_file())
    found += [p for p in (state / LEDGERS).glob("*") if p.suffix != ".jsonl" and p.name != "lock"]
    for path in found:
        plain = path.is_file() and not path.is_symlink()
        if plain and path.stat().st_size <= _LARGEST:
            yield path

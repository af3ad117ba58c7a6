"""Records brought back from a file: verified in a place of their own, then put in force at one stroke.

What was there is kept aside. The same way leads from SQLite to PostgreSQL and back, and from the node
that is lost to the one where this runs.
"""

import io
import socket
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, select

from appliance.canonical import canonical
from appliance.errors import Refused, Text
from appliance.sealing import Lock
from appliance.settings import Settings
from controller.access.chain import Chain, examine
from controller.jobs.lease import SoleWorker
from controller.records import audit, copying
from controller.records.migrate import head, upgrade
from controller.records.parcel import Opened, Origin, unpack
from controller.records.rights import grant
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Node
from controller.workers import records_papers as papers
from controller.workers.records_export import AUDIT_KEY
from controller.workers.records_place import RecordsPlace, nobody_serves, stamp

Say = Callable[[str], None]


class TooNew(Refused):
    """The file was written by a newer version of HBox."""

    code = "records.too_new"
    text = Text(
        "文件的表结构 {theirs} 比本机的 {ours} 新",
        "The file's form {theirs} is newer than this box's {ours}",
    )
    hint = Text("请先升级本机，再恢复。", "Upgrade this box first, then restore.")


class NotWhole(Refused):
    """What was read does not verify: the audit chain or its seals do not hold."""

    code = "records.not_whole"
    text = Text(
        "恢复的记录未通过校验，未生效：{why}",
        "The restored records do not verify and were not put in force: {why}",
    )
    hint = Text(
        "原有记录未改动；请换用另一份文件。", "What was there is unchanged; use another file."
    )


@dataclass(frozen=True)
class Restored:
    """What is in force now. `aside` is where the former state lies; `here` whether this node is known.

    `attachments` came along; `lack` names those that statements name and that are nowhere.
    """

    origin: Origin
    rows: int
    chain: Chain
    aside: str
    here: bool
    attachments: int = 0
    lack: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Built:
    """New records that wait to be put in force."""

    rows: int
    chain: Chain
    here: bool
    staged: papers.Staged


def restore(
    settings: Settings,
    file: IO[bytes],
    lock: Lock,
    say: Say,
    offered: papers.Offered | None = None,
) -> Restored:
    """Verify `file` and put it in force in the records that `settings` names.

    `offered`: attachments that lie beside the file, and whether to go on without bad ones. Refused while a worker
    or the web process runs here. Raises `BadParcel`, `WrongKey`, `TooNew`, `NotWhole`, `AttachmentsAltered`,
    `WorkerRuns`, `ConsoleRuns`; in each case nothing was changed.
    """
    sole = SoleWorker(settings.state / "worker" / "lock")
    try:
        nobody_serves(settings)
        opened = unpack(file, lock, AUDIT_KEY, papers.PURPOSE)
        if opened.origin.revision > head():
            raise TooNew(theirs=opened.origin.revision, ours=head())
        say(f"文件已校验 the file is good: {opened.origin.node} {opened.origin.at}")
        place = RecordsPlace.of(settings, stamp())
        made = _build(settings, opened, place, say, offered or papers.Offered())
        _files(settings.state, opened.state, place.aside)
        papers.put_in_place(made.staged, settings.state, place.aside)
        place.put_in_force(place.aside)
        grant(settings.database)
        count, lack = made.staged.count, made.staged.lack
        return Restored(
            opened.origin, made.rows, made.chain, str(place.aside), made.here, count, lack
        )
    finally:
        papers.clear(settings.state)
        sole.release()


def _build(
    settings: Settings, opened: Opened, place: RecordsPlace, say: Say, offered: papers.Offered
) -> _Built:
    """Fill new records beside those in force, verify them, make this node their home."""
    place.clear()
    try:
        upgrade(place.url, opened.origin.revision)
        engine = open_records(place.url, patience=30)
        try:
            rows = sum(copying.fill(engine, opened.tables()).values())
            upgrade(place.url)
            say(f"已写入 written: {rows} 行 rows")
            chain = _verified(engine, opened, settings)
            say(f"审计链完好 the audit chain holds: {chain.entries}, 封印 sealed {chain.sealed}")
            with reading(engine) as session:
                wanted = papers.named(session)
            held = {**offered.beside, **opened.attachments}
            staged = papers.stage(settings.state, wanted, held, strict=not offered.leave)
            say(f"附件 attachments: {staged.count}, 缺 lacking {len(staged.lack)}")
            known = _at_home(engine, opened.origin)
        finally:
            engine.dispose()
    except BaseException:
        place.clear()
        raise
    return _Built(rows, chain, known, staged)


def _verified(engine: Engine, opened: Opened, settings: Settings) -> Chain:
    scratch = settings.state / ".restoring-audit"
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(opened.state)) as tar:
            for member in tar:
                if member.name.startswith("audit/") and member.isfile():
                    held = tar.extractfile(member)
                    (scratch / Path(member.name).name).write_bytes(held.read() if held else b"")
        with reading(engine) as session:
            chain = examine(session, scratch)
    finally:
        for left in scratch.iterdir():
            left.unlink()
        scratch.rmdir()
    if not chain.holds or chain.head != (opened.origin.head or chain.head):
        raise NotWhole(why=chain.why or "the audit chain's head is another one")
    return chain


def _at_home(engine: Engine, origin: Origin) -> bool:
    """Make this node the home of the controller, in the new records; audit what was done."""
    here = socket.gethostname()
    detail = canonical({"from": origin.node, "at": origin.at}).decode()
    act = audit.entry(
        "root", "system", "records.restore", on=f"node/{here}", outcome="done", detail=detail
    )
    with transaction(engine) as session:
        rows = list(session.scalars(select(Node)))
        known = any(row.name == here for row in rows)
        for row in rows:
            if known:
                row.home = row.name == here
        audit.append(session, act)
    return known


def _files(state: Path, tar: bytes, aside: Path) -> None:
    """Put the box's own files in their places; what lay there goes to `aside`."""
    aside.mkdir(mode=0o700)
    with tarfile.open(fileobj=io.BytesIO(tar)) as held:
        members = [member for member in held if member.isfile()]
        for member in members:
            there = state / member.name
            if there.exists():
                kept = aside / member.name
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                there.rename(kept)
        # The filter refuses names that leave the folder, links and devices.
        held.extractall(state, members=members, filter="tar")
    for ledger in (state / "worker").glob("*.jsonl"):
        if f"worker/{ledger.name}" not in {member.name for member in members}:
            ledger.rename(aside / ledger.name)

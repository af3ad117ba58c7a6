"""The records moved from SQLite to PostgreSQL on this node, or back: beside, compared row by row, then switched."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

import playbooks
from appliance.canonical import canonical
from appliance.errors import Text
from appliance.files import write_atomically
from appliance.host import Host
from appliance.settings import FILE, Settings, changed
from controller.access.chain import Chain, examine
from controller.firstboot import share_database
from controller.jobs.lease import SoleWorker
from controller.records import audit, copying
from controller.records.migrate import upgrade
from controller.records.rights import grant
from controller.records.session import open_records, reading, transaction
from controller.workers.records_place import RecordsPlace, elsewhere, nobody_serves, serves, stamp
from controller.workers.records_restore import NotWhole

URLS = {"postgresql": "postgresql+psycopg:///hbox?host=/run/postgresql", "sqlite": ""}
"""What `database_url` is for each goal."""

UNITS = ("hbox-console", "hbox-web", "hbox-worker")
_SERVICES = " ".join(UNITS)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Moved:
    """What a move did. `aside` is where the file of SQLite lies that counts no longer ("" for none)."""

    database: str
    rows: int
    chain: Chain | None
    aside: str


def is_there(settings: Settings, goal: str) -> bool:
    """Whether the records are where `goal` says."""
    return elsewhere(settings, URLS[goal]).database == settings.database


def plan(settings: Settings, goal: str) -> list[Text]:
    """Return what a move would do, step by step."""
    steps = []
    if goal == "postgresql":
        steps.append(Text("运行角色 postgresql", "run the role postgresql"))
    if is_there(settings, goal):
        return [
            *steps,
            Text("记录已在该处，无其他更改", "the records are there: nothing else changes"),
        ]
    return [
        *steps,
        Text(f"停止 {_SERVICES}", f"stop {_SERVICES}"),
        Text(
            "在旁边建立新库，逐表比对，校验审计链",
            "fill the new, compare each table, verify the chain",
        ),
        Text(f"修改 {FILE}: database_url", f"change {FILE}: database_url"),
        Text("原库保留", "keep the former records"),
        Text(f"启动 {_SERVICES}", f"start {_SERVICES}"),
    ]


def prepare(goal: str, host: Host) -> None:
    """See that there is a PostgreSQL as the records need it, by the role; a second run changes nothing."""
    if goal != "postgresql":
        return
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False", "HOME": "/root"}
    host.run(playbooks.argv(program, book="postgresql.yml"), timeout=600, env=quiet)


def move(settings: Settings, goal: str, host: Host, say: Say, file: Path = FILE) -> Moved:
    """Move the records to `goal`, a key of `URLS`; the processes that use them are down meanwhile.

    They are started again whatever happens; until the very end the former records are in force.
    Raises `NotWhole`, `WorkerRuns`, `ConsoleRuns`, `RecordsAway`.
    """
    prepare(goal, host)
    if is_there(settings, goal):
        return Moved(goal, 0, None, "")
    host.run(["systemctl", "stop", *UNITS], timeout=90)
    say(f"已停止 stopped: {_SERVICES}")
    try:
        moved = switch(settings, elsewhere(settings, URLS[goal]), say, file)
        if goal == "sqlite":
            share_database(settings, host)
    finally:
        host.run(["systemctl", "start", *UNITS], timeout=90)
        served = serves(settings)
        say(
            f"已启动 started: {_SERVICES}"
            if served
            else "网页进程未应答 the console does not answer"
        )
    return moved


def switch(settings: Settings, wanted: Settings, say: Say, file: Path) -> Moved:
    """Fill the database that `wanted` names from the one in force, and put it in force in `file`."""
    sole = SoleWorker(settings.state / "worker" / "lock")
    try:
        nobody_serves(settings)
        upgrade(settings.database)
        place = RecordsPlace.of(wanted, stamp())
        place.clear()
        upgrade(place.url)
        rows, chain = _fill(settings, place.url, say)
        aside = place.aside
        aside.mkdir(mode=0o700)
        place.put_in_force(aside)
        grant(wanted.database)
        _keep(file, wanted.database_url)
        RecordsPlace.of(settings, place.stamp).retire(aside)
        return Moved(wanted.database.partition(":")[0].partition("+")[0], rows, chain, _kept(aside))
    finally:
        sole.release()


def _fill(settings: Settings, url: str, say: Say) -> tuple[int, Chain]:
    old, new = open_records(settings.database, patience=30), open_records(url, patience=30)
    try:
        with reading(old) as session:
            tables = ((name, copying.lines(session, name)) for name in copying.names())
            rows = sum(copying.fill(new, tables).values())
        differ = [name for name in copying.names() if _digest(old, name) != _digest(new, name)]
        if differ:
            raise NotWhole(why=f"逐表比对不符 tables differ: {', '.join(differ)}")
        say(f"已写入并比对 written and compared: {rows} 行 rows")
        with reading(new) as session:
            chain = examine(session, settings.state / "audit")
        if not chain.holds:
            raise NotWhole(why=chain.why or "the audit chain does not hold")
        say(f"审计链完好 the audit chain holds: {chain.entries}, 封印 sealed {chain.sealed}")
        detail = canonical({"from": old.dialect.name, "to": new.dialect.name}).decode()
        act = audit.entry(
            "root", "system", "records.move", on="records", outcome="done", detail=detail
        )
        with transaction(new) as session:
            audit.append(session, act)
        return rows, chain
    finally:
        old.dispose()
        new.dispose()


def _digest(engine: Engine, table: str) -> str:
    sums = hashlib.sha256()
    with reading(engine) as session:
        for line in copying.lines(session, table):
            sums.update(line)
    return sums.hexdigest()


def _keep(file: Path, url: str) -> None:
    text = file.read_text("utf-8") if file.exists() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, changed(text, "database_url", url).encode(), mode=0o644)


def _kept(aside: Path) -> str:
    if any(aside.iterdir()):
        return str(aside)
    aside.rmdir()
    return ""

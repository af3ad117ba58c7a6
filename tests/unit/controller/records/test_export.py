"""Records out of one box and into another, on either database, from files and from sealed copies."""

import io
import json
import socket
import zipfile

import pytest
from sqlalchemy import make_url, text, update

from appliance.canonical import canonical, digest
from appliance.errors import BadInput
from appliance.sealing import Passphrase, RecoveryKey, WrongKey
from appliance.secret import Secret
from appliance.signing import SigningKey
from controller.actions.nodes import InspectNode
from controller.jobs import queue
from controller.jobs.lease import SoleWorker, WorkerRuns
from controller.jobs.ledger import Ledger
from controller.records import audit
from controller.records.parcel import BadParcel
from controller.records.session import open_records, reading, transaction
from controller.records.tables import AuditEntry, Job, JobLine
from controller.workers import records_copies
from controller.workers.records_place import ConsoleRuns
from controller.workers.records_restore import NotWhole, TooNew, restore
from controller.workers.seals import Seals
from tests.unit.controller.records.keeper import HERE, WHO, WORDS, Keeper, quiet


@pytest.fixture
def lived(tmp_path, url):
    made = Keeper.at(tmp_path / "one", url)
    made.live()
    return made


@pytest.fixture
def small(tmp_path):
    """The same on SQLite, for what does not depend on the database."""
    made = Keeper.at(tmp_path / "one", "")
    made.live()
    return made


def test_everything_arrives_on_another_node_and_database(lived, other, tmp_path):
    goal = Keeper.at(tmp_path / "two", other)
    done = restore(goal.settings, lived.export(), Passphrase(WORDS), quiet)
    before, after = lived.rows(), goal.rows()
    homes = {row["name"]: row.pop("home") for row in after["nodes"]}
    for row in before["nodes"]:
        row.pop("home")
    assert homes == {"old-home": False, HERE: True}
    last = after["audit"].pop()
    assert (last["act"], last["outcome"]) == ("records.restore", "done")
    assert after == before
    assert (done.chain.seals, done.chain.holds, done.here) == ("hold", True, True)
    assert (goal.settings.keys / "ca.key").read_text() == "the CA's own"
    assert (goal.settings.keys / "audit.key").stat().st_mode & 0o777 == 0o600
    assert Ledger(goal.settings.state / "worker").jobs() == (lived.running,)


def test_the_box_goes_on_where_it_was_restored(lived, other, tmp_path):
    goal = Keeper.at(tmp_path / "two", other)
    restore(goal.settings, lived.export(), Passphrase(WORDS), quiet)
    engine = open_records(goal.settings.database)
    with transaction(engine) as session:
        job = queue.submit(session, WHO, InspectNode(HERE))
        session.add(JobLine(job_id=job.id, at="now", line="the numbering goes on"))
    key = SigningKey.load(goal.settings.keys / "audit.key")
    seals = Seals(goal.settings.state / "audit" / "seals.jsonl", key)
    assert seals.seal(engine)
    assert seals.last().number == audit_length(engine)
    engine.dispose()


def audit_length(engine):
    with reading(engine) as session:
        return audit.length(session)


def test_what_was_there_is_kept_aside(small, other, tmp_path, server):
    goal = Keeper.at(tmp_path / "two", other)
    goal.live()
    own = (goal.settings.keys / "audit.key").read_bytes()
    done = restore(goal.settings, small.export(), Passphrase(WORDS), quiet)
    aside = tmp_path / "two" / "state" / done.aside.rpartition("/")[2]
    assert (aside / "keys" / "audit.key").read_bytes() == own
    assert (goal.settings.keys / "audit.key").read_bytes() != own
    if other:
        schemas = server.ask("SELECT nspname FROM pg_namespace", str(make_url(other).database))
        assert any(name.startswith("aside_") for (name,) in schemas)
    else:
        assert (aside / "hbox.sqlite").exists()
    assert list(aside.glob("*.jsonl")), "the ledger of the former job in hand"


def test_a_wrong_passphrase_opens_nothing(small, tmp_path):
    goal = Keeper.at(tmp_path / "two", "")
    with pytest.raises(WrongKey):
        restore(goal.settings, small.export(), Passphrase(Secret("some other words")), quiet)
    assert list((goal.settings.state / "db").iterdir()) == []
    with pytest.raises(BadInput):
        Passphrase(Secret("short"))


@pytest.mark.parametrize(
    "member", ["tables/audit.jsonl", "tables/accounts.jsonl", "manifest.json", "state.sealed"]
)
def test_an_altered_file_is_refused_and_changes_nothing(small, tmp_path, member):
    whole = zipfile.ZipFile(small.export())
    bent = io.BytesIO()
    with zipfile.ZipFile(bent, "w") as made:
        for name in whole.namelist():
            data = whole.read(name)
            if name == member:
                data = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
            made.writestr(name, data)
    goal = Keeper.at(tmp_path / "two", "")
    with pytest.raises((BadParcel, WrongKey)):
        restore(goal.settings, bent, Passphrase(WORDS), quiet)
    assert list((goal.settings.state / "db").iterdir()) == []


def test_a_manifest_by_another_key_is_refused(small, tmp_path):
    held = small.export()
    whole = zipfile.ZipFile(held)
    rows = whole.read("tables/accounts.jsonl").replace(b'"role":"audit"', b'"role":"system"')
    manifest = json.loads(whole.read("manifest.json"))
    manifest["members"]["tables/accounts.jsonl"]["sha256"] = digest(rows)
    said = canonical(manifest)
    bent = io.BytesIO()
    with zipfile.ZipFile(bent, "w") as made:
        for name in whole.namelist():
            data = {"tables/accounts.jsonl": rows, "manifest.json": said}.get(
                name, whole.read(name)
            )
            if name == "manifest.sig":
                data = SigningKey.new().sign(said).hex().encode()
            made.writestr(name, data)
    with pytest.raises(BadParcel):
        restore(Keeper.at(tmp_path / "two", "").settings, bent, Passphrase(WORDS), quiet)


@pytest.mark.parametrize("rubbish", [b"", b"PK", b"not a zip" * 100])
def test_what_is_no_file_of_records_is_refused(tmp_path, rubbish):
    with pytest.raises(BadParcel):
        restore(Keeper.at(tmp_path, "").settings, io.BytesIO(rubbish), Passphrase(WORDS), quiet)


def test_a_chain_that_does_not_hold_is_not_put_in_force(small, tmp_path):
    engine = open_records(small.settings.database)
    with transaction(engine) as session:
        session.execute(update(AuditEntry).where(AuditEntry.number == 2).values(actor="nobody"))
    engine.dispose()
    goal = Keeper.at(tmp_path / "two", "")
    with pytest.raises(NotWhole):
        restore(goal.settings, small.export(), Passphrase(WORDS), quiet)
    assert list((goal.settings.state / "db").iterdir()) == []


def test_nothing_is_restored_under_a_worker_or_a_console(small, tmp_path):
    goal = Keeper.at(tmp_path / "two", "")
    sole = SoleWorker(goal.settings.state / "worker" / "lock")
    with pytest.raises(WorkerRuns):
        restore(goal.settings, small.export(), Passphrase(WORDS), quiet)
    sole.release()
    goal.settings.run.mkdir()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(goal.settings.run / "api.sock"))
        door.listen()
        with pytest.raises(ConsoleRuns):
            restore(goal.settings, small.export(), Passphrase(WORDS), quiet)


def test_a_newer_form_is_refused(small, tmp_path):
    engine = open_records(small.settings.database)
    with transaction(engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(TooNew):
        restore(Keeper.at(tmp_path / "two", "").settings, small.export(), Passphrase(WORDS), quiet)


def test_a_copy_opens_with_the_recovery_key_alone(small, tmp_path):
    engine = open_records(small.settings.database)
    with pytest.raises(records_copies.NoRecoveryKey):
        records_copies.close(small.settings, engine)
    typed = records_copies.new_key(small.settings, engine)
    _, data = records_copies.close(small.settings, engine)
    engine.dispose()
    assert b"sysadmin" not in data
    with pytest.raises(WrongKey):
        records_copies.uncover(data, RecoveryKey.new())
    key = RecoveryKey.read(Secret(typed.reveal().lower().replace("-", " ")))
    goal = Keeper.at(tmp_path / "two", "")
    folder = goal.settings.state / "copies"
    folder.mkdir()
    (folder / "a.hcopy").write_bytes(data)
    (folder / "half.hcopy").write_bytes(data[:40])
    copy = records_copies.newest(goal.settings)
    assert records_copies.is_copy(copy.path)
    done = restore(goal.settings, records_copies.uncover(copy.path.read_bytes(), key), key, quiet)
    assert done.chain.entries == copy.entries
    engine = open_records(goal.settings.database)
    with reading(engine) as session:
        assert session.get(Job, small.running) is not None
    engine.dispose()

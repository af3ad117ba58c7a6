"""Records moved between the two databases: nothing is lost, nothing is in force before all of it was compared."""

import socket

import pytest
from sqlalchemy import text, update

from appliance.errors import BadInput
from appliance.settings import Settings, changed, load
from appliance.signing import SigningKey
from controller.jobs.lease import SoleWorker, WorkerRuns
from controller.records import audit, copying
from controller.records.migrate import upgrade
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, AuditEntry, Node
from controller.workers import records_move
from controller.workers.records_move import is_there, plan, switch
from controller.workers.records_place import ConsoleRuns, elsewhere
from controller.workers.records_restore import NotWhole
from controller.workers.seals import Seals


def quiet(_line):
    pass


@pytest.fixture
def lived(tmp_path):
    """A box on SQLite with people, a node, and a sealed chain."""
    settings = Settings(state=tmp_path / "state", run=tmp_path / "run")
    upgrade(settings.database)
    engine = open_records(settings.database)
    with transaction(engine) as session:
        session.add(Account(id="a", name="sysadmin", role="system", created_at="now"))
        session.add(Node(name="n1", home=True, facts={"cpu": [1, 2.5, "核"]}))
        for number in range(4):
            audit.append(session, audit.entry("a", "system", f"x{number}", on="y", outcome="done"))
    key = SigningKey.load_or_new(settings.keys / "audit.key")
    Seals(settings.state / "audit" / "seals.jsonl", key).seal(engine)
    engine.dispose()
    return settings


@pytest.fixture
def other(lived, server):
    """The same box, as it is with PostgreSQL in its settings."""
    server.roles()
    return elsewhere(lived, server.url(server.create()))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "hbox.toml"
    path.write_text('# 本院 ours\nsite_name = "甲医院"\n')
    return path


def rows(settings):
    engine = open_records(settings.database)
    with reading(engine) as session:
        found = {name: list(copying.lines(session, name)) for name in copying.names()}
    engine.dispose()
    return found


def test_there_and_back_nothing_is_lost(lived, other, file):
    before = rows(lived)
    there = switch(lived, other, quiet, file)
    assert (there.database, there.chain.holds, there.chain.sealed) == ("postgresql", True, 4)
    assert load(file).database_url == other.database_url
    assert load(file).site_name == "甲医院"
    assert not (lived.state / "db" / "hbox.sqlite").exists()
    assert (lived.state / there.aside / "hbox.sqlite").exists()
    after = rows(other)
    last = after["audit"].pop()
    assert after == before
    assert b'"act":"records.move"' in last
    back = switch(other, lived, quiet, file)
    assert (back.database, back.rows) == ("sqlite", there.rows + 1)
    assert load(file).database_url == ""
    again = rows(lived)
    assert [b'"records.move"' in line for line in again["audit"]] == [False] * 4 + [True] * 2
    assert {name: held for name, held in again.items() if name != "audit"} == {
        name: held for name, held in before.items() if name != "audit"
    }


def test_a_chain_that_does_not_hold_is_not_moved(lived, other, file):
    engine = open_records(lived.database)
    with transaction(engine) as session:
        session.execute(update(AuditEntry).where(AuditEntry.number == 2).values(actor="nobody"))
    engine.dispose()
    before, said = rows(lived), file.read_text()
    with pytest.raises(NotWhole):
        switch(lived, other, quiet, file)
    assert (rows(lived), file.read_text()) == (before, said)


def test_a_row_that_arrives_otherwise_is_not_put_in_force(lived, other, file, monkeypatch):
    """The comparison is by content: the new database is made to hold one word less."""
    fill = copying.fill

    def forgetful(engine, given):
        counts = fill(engine, given)
        with transaction(engine) as session:
            session.execute(text("UPDATE accounts SET name = 'sys'"))
        return counts

    monkeypatch.setattr(records_move.copying, "fill", forgetful)
    with pytest.raises(NotWhole, match="accounts"):
        switch(lived, other, quiet, file)
    assert (lived.state / "db" / "hbox.sqlite").exists()
    assert load(file).database_url == ""


def test_nothing_is_moved_under_a_worker_or_a_console(lived, other, file):
    sole = SoleWorker(lived.state / "worker" / "lock")
    with pytest.raises(WorkerRuns):
        switch(lived, other, quiet, file)
    sole.release()
    lived.run.mkdir()
    for name in ("api.sock", "consoles.sock"):
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(lived.run / name))
            door.listen()
            with pytest.raises(ConsoleRuns):
                switch(lived, other, quiet, file)


def test_what_was_cut_off_is_done_again(lived, other, file):
    """A move that ended before the settings were written: the former records are still in force."""
    switch(lived, other, quiet, file)
    file.write_text("")
    aside = next(lived.state.glob("aside-*/hbox.sqlite"))
    aside.rename(lived.state / "db" / "hbox.sqlite")
    assert switch(lived, other, quiet, file).chain.holds


def test_the_plan_says_what_a_move_would_do(lived):
    assert is_there(lived, "sqlite")
    assert len(plan(lived, "sqlite")) == 1
    assert len(plan(lived, "postgresql")) > 5
    assert not is_there(lived, "postgresql")


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("", "x", 'k = "x"\n'),
        ('k = "a"\n# c\nj = 1\n', "x", 'k = "x"\n# c\nj = 1\n'),
        ('j = 1\nk="a"\n', "", "j = 1\n"),
        ("# k = 1\n", "x", 'k = "x"\n# k = 1\n'),
        ("kk = 1\n", "x", 'k = "x"\nkk = 1\n'),
    ],
)
def test_one_setting_is_changed_and_no_other_line(before, value, after):
    assert changed(before, "k", value) == after


@pytest.mark.parametrize("before", ["k = [\n1]\n", 'j = """\nk = 1\n"""\n', "not toml"])
def test_a_file_that_cannot_be_changed_safely_stays(before):
    with pytest.raises(BadInput):
        changed(before, "k", "x")

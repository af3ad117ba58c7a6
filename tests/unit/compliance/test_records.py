"""The inspector reads the records on both databases as itself, sees what it asks for, and nothing else."""

import json
import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from appliance.settings import Settings
from appliance.signing import SigningKey
from compliance.chain import examine
from compliance.checks import CHECKS
from compliance.questions import Command
from compliance.records import RecordsUnread, rows
from controller.records import audit
from controller.records.exchange import Proof
from controller.records.migrate import upgrade
from controller.records.rights import INSPECTED, INSPECTOR
from controller.records.session import open_records, transaction
from controller.records.tables import Account, Base
from controller.workers.seals import Seals
from tests import postgres

QUERIES = sorted(
    {
        question.argv[-1]
        for check in CHECKS
        for question in check.questions
        if isinstance(question, Command) and "compliance.records" in question.argv
    }
)


@pytest.fixture(scope="module")
def server():
    with postgres.server() as running:
        running.roles()
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def box(request, tmp_path_factory):
    """Settings as the inspector has them; the records hold a sealed chain, a proof, an account."""
    state = tmp_path_factory.mktemp("box")
    own = Settings(state=state)
    seen = own
    if request.param == "postgresql":
        running = request.getfixturevalue("server")
        name = running.create()
        own = replace(own, database_url=running.url(name))
        seen = replace(own, database_url=running.url(name, INSPECTOR))
    upgrade(own.database)
    engine = open_records(own.database)
    with transaction(engine) as session:
        session.add(Account(id="a", name="sysadmin", role="system", created_at="now"))
        session.add(
            Proof(id="p", at="2026", level="full", open_ways=0, document={"findings": ["开"]})
        )
        for number in range(3):
            audit.append(session, audit.entry("w", "worker", f"x{number}", on="y", outcome="done"))
    Seals(state / "audit" / "seals.jsonl", SigningKey.load_or_new(own.keys / "audit.key")).seal(
        engine
    )
    engine.dispose()
    return seen


def test_there_are_questions_to_the_records():
    assert len(QUERIES) >= 5


@pytest.mark.parametrize("query", QUERIES)
def test_every_question_of_the_checks_is_answered(box, query):
    found = rows(box, query)
    assert isinstance(json.loads(json.dumps(found)), list)
    # What the box above holds is seen; the other tables are empty here.
    assert found or not query.endswith("FROM accounts ORDER BY name")


def test_what_is_json_in_the_records_comes_as_its_text(box):
    (proof,) = rows(box, "SELECT document FROM proofs")
    assert json.loads(proof["document"]) == {"findings": ["开"]}


def test_the_chain_is_recomputed(box):
    found = examine(box)
    assert (found["entries"], found["sealed"], found["faults"], found["unreadable"]) == (
        3,
        3,
        [],
        "",
    )


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit",
        "UPDATE accounts SET role = 'audit'",
        "INSERT INTO proofs (id, at, level, open_ways, document) VALUES ('q', '2027', '', 0, '{}')",
        "CREATE TABLE mine (a int)",
    ],
)
def test_nothing_can_be_changed(box, statement):
    with pytest.raises(RecordsUnread):
        rows(box, statement)
    assert len(rows(box, "SELECT number FROM audit")) == 3


@pytest.mark.parametrize("box", ["postgresql"], indirect=True)
def test_on_postgresql_no_other_table_or_column_can_be_read(box):
    for table in sorted(set(Base.metadata.tables) - set(INSPECTED)):
        with pytest.raises(RecordsUnread, match="permission denied"):
            rows(box, f'SELECT count(*) FROM "{table}"')
    with pytest.raises(RecordsUnread, match="permission denied"):
        rows(box, "SELECT user_data FROM vms")
    writes = "SET default_transaction_read_only = off; DELETE FROM audit"
    with pytest.raises(RecordsUnread):
        rows(box, writes)


@pytest.mark.parametrize("box", ["postgresql"], indirect=True)
def test_rights_and_not_the_session_alone_forbid_it(box, server):
    name = str(make_url(box.database_url).database)
    refused = (
        f"SELECT has_table_privilege('{INSPECTOR}', 'audit', 'INSERT, UPDATE, DELETE, TRUNCATE')"
    )
    assert server.ask(refused, name) == [(False,)]


def test_records_that_are_away_are_unread_and_nothing_is_made(tmp_path):
    with pytest.raises(RecordsUnread):
        rows(Settings(state=tmp_path), "SELECT 1")
    assert list(tmp_path.iterdir()) == []
    away = Settings(state=tmp_path, database_url=f"postgresql+psycopg:///hbox?host={tmp_path}")
    with pytest.raises(RecordsUnread):
        rows(away, "SELECT 1")


def test_a_database_that_is_none_is_unread(tmp_path):
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "hbox.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(RecordsUnread, match=sqlite3.DatabaseError.__name__):
        rows(Settings(state=tmp_path), "SELECT number FROM audit")
    assert examine(Settings(state=tmp_path))["unreadable"]

"""On PostgreSQL the web process may do what it needs; the audit chain it can only continue."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.jobs import queue
from controller.records import audit
from controller.records.migrate import upgrade
from controller.records.rights import WEB
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Account, Base, Node
from tests.unit.controller.records.wishes import creation


@pytest.fixture
def web(server):
    """The records as the web process reaches them."""
    server.roles()
    name = server.create()
    upgrade(server.url(name))
    owner = open_records(server.url(name))
    with transaction(owner) as session:
        session.add(Node(name="n1", accelerator="tcg"))
        session.add(Account(id="sam", name="sam", role="system", created_at="now"))
        audit.append(session, audit.entry("w", "worker", "x", on="y", outcome="done"))
    owner.dispose()
    engine = open_records(server.url(name, WEB))
    yield engine
    engine.dispose()


def test_it_reads_everything_and_submits(web):
    with reading(web) as session:
        for table in Base.metadata.tables:
            session.execute(text(f'SELECT count(*) FROM "{table}"'))
    with transaction(web) as session:
        job = queue.submit(session, Principal("sam", "sam", Role.SYSTEM), creation("his-1", "n1"))
        assert job.number == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DROP TABLE audit",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "INSERT INTO transfers (number) VALUES (1)",
        "DELETE FROM job_lines",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "SET ROLE postgres",
        "COPY audit TO PROGRAM 'true'",
    ],
)
def test_it_can_do_nothing_else(web, statement):
    with pytest.raises(ProgrammingError), transaction(web) as session:
        session.execute(text(statement))
    with reading(web) as session:
        assert audit.length(session) >= 1


def test_the_rights_outlive_a_new_form_of_the_tables(web, server):
    name = str(web.url.database)
    upgrade(server.url(name))
    with pytest.raises(ProgrammingError), transaction(web) as session:
        session.execute(text("DELETE FROM audit"))

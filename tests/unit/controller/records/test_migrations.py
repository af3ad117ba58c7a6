"""The records' form: what the migrations make is what the tables say, and no row is lost on the way."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from controller.records.migrate import downgrade, head, upgrade
from controller.records.session import open_records, reading
from controller.records.tables import Base, Node
from tests.unit.controller.records import old_forms


def test_migrations_make_what_the_tables_say(url):
    upgrade(url)
    engine = open_records(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_upgrading_again_keeps_what_is_there(controller):
    upgrade(controller.settings.database)
    with reading(controller.engine) as session:
        assert [node.name for node in session.scalars(select(Node))] == ["node-1"]


@pytest.mark.parametrize("revision", sorted(old_forms.LATER))
def test_what_an_older_box_wrote_is_there_after_the_upgrade(url, revision):
    upgrade(url, revision)
    engine = open_records(url)
    written = old_forms.fill(engine, revision)
    upgrade(url)
    found = old_forms.read(engine)
    engine.dispose()
    for table, row in written.items():
        if table == "transfers" and revision < "0003":
            assert found[table] == []  # read from the journal again
            continue
        assert len(found[table]) == 1, table
        kept = {name: found[table][0][name] for name in row}
        assert kept == row, table
    assert found["nodes"][0]["home"] in (True, 1)
    assert found["nodes"][0]["state"] == "active"
    volume = found["volumes"][0]
    assert (volume["serial"], volume["node"], volume["size_gib"]) == ("system", "n1", 20)
    assert (volume["storage"], volume["wished"], volume["actual"]) == ("dir", "present", "present")


@pytest.mark.parametrize("revision", sorted(old_forms.LATER))
def test_going_back_to_an_older_form_keeps_what_that_form_has(url, revision):
    upgrade(url, revision)
    engine = open_records(url)
    written = old_forms.fill(engine, revision)
    upgrade(url)
    downgrade(url, revision)
    found = old_forms.read(engine)
    engine.dispose()
    assert set(found) - {"alembic_version"} == set(written)
    for table, row in written.items():
        if table == "transfers" and revision < "0003":
            continue
        kept = [{name: one[name] for name in row} for one in found[table]]
        assert kept == [row], table
    upgrade(url)


def test_the_newest_form_has_a_name():
    assert head() >= "0004"

"""The index of a real journal: one row per message, the same however often it is read."""

import json

import pytest
from sqlalchemy import select

from appliance.settings import Settings
from controller.records.session import open_records, reading
from controller.records.tables import Base, Transfer
from controller.workers.index import Index, note_head, noted_head
from controller.workers.site import Site
from network.gateway.journal import Journal
from network.gateway.records import Facts, JournalBroken
from network.gateway.transfers import Head, verify


@pytest.fixture
def site(tmp_path):
    engine = open_records(f"sqlite:///{tmp_path / 'box.sqlite'}")
    Base.metadata.create_all(engine)
    folder = tmp_path / "gateway"
    (folder / "journal").mkdir(parents=True)
    policy = {"channels": [{"id": "booking", "data_class": "3"}]}
    (folder / "policy.signed").write_text("ed25519 00\n" + json.dumps(policy))
    return Site(Settings(state=tmp_path), engine, {})


@pytest.fixture
def journal(site):
    made = Journal(site.settings.state / "gateway" / "journal")
    list(made.recover())
    return made


def write(journal, *events: Facts) -> None:
    for facts in events:
        journal.append(facts, b"{}" if facts.event in ("accepted", "request") else b"")
    journal.commit()


def rows(site):
    with reading(site.engine) as session:
        return list(session.scalars(select(Transfer).order_by(Transfer.number)))


ACCEPTED = Facts("accepted", channel="booking", side="extranet", delivery="d1", peer="10.88.0.10")


def test_a_stored_message_is_accepted_then_delivered(site, journal):
    index = Index(site)
    write(journal, Facts("started"), ACCEPTED)
    assert index.catch_up() == 2
    (row,) = rows(site)
    assert (row.state, row.verdict, row.lane) == ("accepted", "allowed", "store")
    assert (row.direction, row.data_class) == ("extranet->intranet", "3")
    assert row.latency_ms is None
    write(journal, Facts("attempt", delivery="d1"), Facts("delivered", delivery="d1"))
    assert index.catch_up() == 2
    (row,) = rows(site)
    assert row.state == "delivered"
    assert row.latency_ms is not None
    assert row.latency_ms >= 0
    assert index.catch_up() == 0


def test_a_new_worker_builds_the_same_rows(site, journal):
    write(journal, ACCEPTED)
    Index(site).catch_up()
    write(journal, Facts("dead", delivery="d1", rule="gateway.unreachable"))
    Index(site).catch_up()
    again = Index(site)
    again.catch_up()
    (row,) = rows(site)
    assert (row.number, row.state, row.rule) == (1, "dead", "gateway.unreachable")


def test_a_refusal_is_a_row_of_its_own(site, journal):
    refusal = Facts("refused", side="intranet", rule="gateway.no_channel", peer="10.66.0.99")
    write(journal, refusal)
    Index(site).catch_up()
    (row,) = rows(site)
    assert (row.verdict, row.state, row.rule) == ("refused", "refused", "gateway.no_channel")
    assert row.direction == "intranet->extranet"


def test_a_request_that_is_refused_on_its_way_back_has_failed(site, journal):
    write(
        journal,
        Facts("request", channel="slot-read", side="extranet", delivery="d2"),
        Facts("refused", channel="slot-read", delivery="d2", rule="gateway.late"),
        Facts("request", channel="slot-read", side="extranet", delivery="d3"),
        Facts("answer", channel="slot-read", delivery="d3"),
    )
    Index(site).catch_up()
    assert [(r.state, r.lane) for r in rows(site)] == [
        ("failed", "request"),
        ("answered", "request"),
    ]


def test_without_a_gateway_there_is_nothing_to_read(tmp_path):
    assert (
        Index(Site(Settings(state=tmp_path / "none"), open_records("sqlite://"), {})).catch_up()
        == 0
    )


def test_the_note_of_the_journals_end_only_grows(tmp_path):
    note_head(tmp_path, Head(5, "aa"))
    note_head(tmp_path, Head(3, "bb"))
    assert noted_head(tmp_path) == Head(5, "aa")
    note_head(tmp_path, Head(6, "cc"))
    assert noted_head(tmp_path) == Head(6, "cc")
    assert (tmp_path / "worker/journal-head.json").stat().st_mode & 0o777 == 0o600


def test_records_cut_off_the_journals_end_are_found_by_the_note(site, journal):
    """Whole records cut off the end leave a chain that holds; only the note shows it."""
    write(journal, ACCEPTED)
    folder = site.settings.state / "gateway" / "journal"
    (segment,) = folder.glob("*.seg")
    shorter = segment.read_bytes()
    write(journal, Facts("attempt", delivery="d1"), Facts("delivered", delivery="d1"))
    Index(site).catch_up()
    verify(folder, noted_head(site.settings.state))
    segment.write_bytes(shorter)
    assert verify(folder).number == 1
    with pytest.raises(JournalBroken):
        verify(folder, noted_head(site.settings.state))

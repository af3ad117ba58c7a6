"""The index of a real journal: one row per message, the same however often it is read."""

import json

import pytest
from sqlalchemy import select

from appliance.settings import Settings
from controller.records.exchange import GatewayMinute, JournalIndex, Transfer
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Base
from controller.workers.index import Index, note_head, noted_head, position, told
from controller.workers.site import Site
from network.gateway.journal import Journal
from network.gateway.records import Facts, JournalBroken
from network.gateway.transfers import Head, verify
from network.gateway.vault import Vault


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
    made = Journal(site.settings.state / "gateway" / "journal", Vault.fresh())
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


DELIVERED = Facts("delivered", delivery="d1", status=200, attempts=1, latency=37)


def test_a_new_worker_goes_on_where_the_last_one_stopped(site, journal):
    write(journal, ACCEPTED)
    assert Index(site).catch_up() == 1
    write(journal, DELIVERED)
    assert Index(site).catch_up() == 1, "the first record was read again"
    [row] = rows(site)
    assert (row.state, row.latency_ms, row.attempts) == ("delivered", 37.0, 1)
    assert row.ended_at is not None


def test_another_journal_than_the_one_indexed_is_read_from_its_start(site, journal):
    write(journal, ACCEPTED, DELIVERED)
    Index(site).catch_up()
    with transaction(site.engine) as session:
        session.get(JournalIndex, 1).chain = "f" * 64
        session.get(Transfer, 1).channel = "forged"
    assert Index(site).catch_up() == 2
    assert [row.channel for row in rows(site)] == ["booking"]


def test_a_position_beyond_the_journals_end_is_not_believed(site, journal):
    write(journal, ACCEPTED)
    Index(site).catch_up()
    with transaction(site.engine) as session:
        session.get(JournalIndex, 1).number = 99
    assert Index(site).catch_up() == 1


def test_rebuilding_heals_rows_that_somebody_changed(site, journal):
    write(journal, Facts("started"), ACCEPTED, DELIVERED)
    index = Index(site)
    index.catch_up()
    with transaction(site.engine) as session:
        session.get(Transfer, 2).peer = "10.88.0.99"
        session.add(Transfer(number=77, at="", channel="x", direction="", lane="", verdict="", rule="",
                             data_class="", peer="", size=0, state="", hash=""))  # fmt: skip
    assert index.rebuild() == 3
    assert [(row.number, row.peer) for row in rows(site)] == [(2, "10.88.0.10")]
    with reading(site.engine) as session:
        assert [minute.starts for minute in session.query(GatewayMinute)] == [1]


def test_what_a_record_says_stands_in_the_row(site, journal):
    write(
        journal,
        Facts(
            "accepted", channel="booking", side="extranet", delivery="d7", kind="SIU^S12",
            data_class="4", address="10.66.0.9:2575", dropped=3, masked=2, inert=1, found="phone:1",
        ),
        Facts("refused", side="extranet", peer="10.88.0.9", rule="gateway.no_channel", count=200),
    )  # fmt: skip
    Index(site).catch_up()
    message, refused = rows(site)
    assert (message.kind, message.data_class, message.address) == ("SIU^S12", "4", "10.66.0.9:2575")
    assert (message.dropped, message.masked, message.inert, message.found) == (3, 2, 1, "phone:1")
    assert refused.count == 200


def test_an_operators_orders_are_obeyed_in_the_rows(site, journal):
    dead = Facts("dead", delivery="d1", rule="gateway.far_side_late")
    write(journal, ACCEPTED, dead, Facts("ordered", method="rerun", delivery="d1", order=1))
    index = Index(site)
    index.catch_up()
    assert [(row.state, row.ended_at) for row in rows(site)] == [("accepted", None)]
    write(journal, dead, Facts("ordered", method="drop", delivery="d1", order=2))
    index.catch_up()
    assert [row.state for row in rows(site)] == ["dropped"]
    write(
        journal,
        Facts("ordered", method="pause", channel="booking", order=3),
        Facts("ordered", method="pause", channel="reports", order=4),
        Facts("ordered", method="resume", channel="booking", order=5),
    )
    index.catch_up()
    with reading(site.engine) as session:
        assert session.get(JournalIndex, 1).paused == ["reports"]


def test_the_answers_record_is_known_so_that_it_can_be_looked_at(site, journal):
    write(
        journal,
        Facts("request", channel="slot-read", side="extranet", delivery="d2"),
        Facts("answer", channel="slot-read", delivery="d2"),
    )
    Index(site).catch_up()
    assert [row.answer for row in rows(site)] == [2]


def test_a_broken_journal_is_told_to_the_console_and_forgotten_when_it_is_whole(site, journal):
    write(journal, ACCEPTED)
    index = Index(site)
    index.catch_up()
    [segment] = (site.settings.state / "gateway" / "journal").glob("*.seg")
    whole = segment.read_bytes()
    write(journal, DELIVERED)
    longer = segment.read_bytes()
    spoiled = bytearray(longer)
    spoiled[len(whole) + 40] ^= 1
    segment.write_bytes(spoiled)
    with pytest.raises(JournalBroken):
        index.catch_up()
    assert "record 2" in told(site)
    assert position(site).number == 1
    segment.write_bytes(longer)
    Index(site).catch_up()
    assert told(site) == ""

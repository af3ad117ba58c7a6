"""The schedule asks for runs at its hour; jobs between two runs are their change records."""

import copy
import datetime as dt
import json

import pytest
from sqlalchemy import select, update

from appliance import chance, clock
from compliance.evidence import Answer, Evidence, Status
from controller.actions.assessing import SetSchedule
from controller.records import answers, compared, questioning
from controller.records.answers import Schedule
from controller.records.assessment import ComplianceChoice, ForeignObject
from controller.records.session import reading, transaction
from controller.records.tables import Account, ComplianceRun, Job, Node, Vm
from controller.workers import WORKERS
from controller.workers.assessing import due, tend
from controller.workers.moved import moved
from tests.unit.controller.workers.box import Box

ZERO = ":00:00.000000+00:00"
WEEKLY = Schedule(7, 3, "sue")


@pytest.fixture
def box(tmp_path):
    made = Box.new(tmp_path)
    with transaction(made.engine) as session:
        session.add(Node(name="n0", home=True))
        session.add(
            Vm(id="v1", name="v1", node="n0", zone="intranet", address="10.66.0.10", mac="m1", vcpus=1,
               memory_mib=256, disk_gib=4, wished="running", actual="running", job_id="-", created_at="now")
        )  # fmt: skip
    yield made
    made.engine.dispose()


def beijing(day, hour):
    return dt.datetime(2026, 11, day, hour, tzinfo=clock.BEIJING)


@pytest.mark.parametrize(
    ("wanted", "last", "now", "expected"),
    [
        (Schedule(), None, beijing(20, 3), False),
        (WEEKLY, None, beijing(20, 12), True),
        (WEEKLY, beijing(13, 3), beijing(20, 2), False),
        (WEEKLY, beijing(13, 3), beijing(20, 3), True),
        (WEEKLY, beijing(13, 23), beijing(20, 3), True),  # a run that was late pushes nothing back
        (WEEKLY, beijing(14, 1), beijing(20, 3), False),
        (WEEKLY, beijing(13, 3), beijing(22, 17), True),  # the box was off
        (Schedule(1, 3, "sue"), beijing(20, 3), beijing(20, 9), False),
        (Schedule(1, 3, "sue"), beijing(20, 9), beijing(21, 4), True),
    ],
)
def test_a_run_is_due_when_its_day_and_hour_have_come(wanted, last, now, expected):
    assert due(wanted, last, now) is expected


def runs(box):
    with reading(box.engine) as session:
        return list(
            session.scalars(select(Job).where(Job.kind == "compliance.run").order_by(Job.number))
        )


def test_the_schedule_asks_for_a_run_on_behalf_of_who_set_it(box):
    assert box.done("sue", SetSchedule(7, 0)).state == "succeeded"
    tend(box.site)
    tend(box.site)
    [job] = runs(box)
    assert (job.actor, job.role, job.state) == ("sue", "security", "waiting")


def ended(box, state, **ago):
    """The newest run ended so, that long ago."""
    past = clock.iso(clock.now() - dt.timedelta(**ago))
    with transaction(box.engine) as session:
        job = session.get(Job, runs(box)[-1].id)
        job.state, job.created_at, job.finished_at = state, past, past


@pytest.mark.parametrize("state", ["failed", "refused", "cancelled"])
def test_a_run_that_came_to_nothing_does_not_count_as_made(box, state, caplog, capsys):
    box.done("sue", SetSchedule(7, 0))
    tend(box.site)
    ended(box, state, minutes=20)
    tend(box.site)
    assert len(runs(box)) == 1, "not at once: what broke it may still be there"
    ended(box, state, minutes=70)
    tend(box.site)
    tend(box.site)
    assert [job.state for job in runs(box)] == [state, "waiting"]
    assert f"{state}; asked for again" in caplog.text + "".join(capsys.readouterr())
    ended(box, "succeeded", minutes=10)
    tend(box.site)
    assert len(runs(box)) == 2


def test_a_run_that_failed_after_one_that_was_made_waits_for_the_next_day(box):
    box.done("sue", SetSchedule(7, 0))
    tend(box.site)
    ended(box, "succeeded", minutes=200)
    ran(box, "compliance.run", "compliance/box", "failed")
    tend(box.site)
    assert len(runs(box)) == 2, "this week's run is made, whoever asked for the other"


@pytest.mark.parametrize("change", ["forged", "disabled", "off"])
def test_a_schedule_that_nobody_stands_for_asks_for_nothing(box, change):
    box.done("sue", SetSchedule(7, 0))
    if change == "off":
        box.done("sue", SetSchedule(0, 0))
    with transaction(box.engine) as session:
        if change == "forged":
            session.execute(update(ComplianceChoice).values(value="1 0"))
        if change == "disabled":
            session.get(Account, "sue").disabled = True
    tend(box.site)
    assert runs(box) == []


def ran(box, kind, of, state="succeeded"):
    with transaction(box.engine) as session:
        number = len(session.scalars(select(Job)).all()) + 1
        session.add(
            Job(id=chance.new_id(), number=number, kind=kind, action={}, title_zh="", title_en="", object=of,
                actor="sam", role="system", locks=[], state=state, audit_number=1, created_at=f"2026-11-20T10{ZERO}",
                started_at=None if state == "waiting" else f"2026-11-20T11{ZERO}", finished_at=f"2026-11-20T12{ZERO}")
        )  # fmt: skip


def changes(box):
    with reading(box.engine) as session:
        return {(one.object, one.about) for one in compared.changes(session)}


def test_each_job_is_a_change_record_of_what_it_may_have_touched_and_of_nothing_else(box):
    ran(box, "node.configure", "node/n0")
    assert changes(box) == {("n0", ())}
    ran(box, "vm.stop", "vm/v1", "failed")
    rules = ("nft -j list ruleset", "policy.signed")
    assert changes(box) == {("n0", ()), ("hypervisor:n0", ()), ("n0", rules)}


@pytest.mark.parametrize(
    ("kind", "of", "state"),
    [
        ("compliance.run", "compliance/box", "succeeded"),
        ("compliance.answer", "statement/x", "succeeded"),
        ("gateway.prove", "gateway/box", "succeeded"),
        ("node.inspect", "node/n0", "succeeded"),
        ("vm.console", "vm/v1", "succeeded"),
        ("node.configure", "node/n0", "waiting"),
        ("node.configure", "node/n0", "refused"),
    ],
)
def test_what_only_looks_or_never_began_explains_nothing(box, kind, of, state):
    ran(box, kind, of, state)
    assert changes(box) == set()


def test_every_kind_of_job_is_either_a_change_or_known_to_be_none():
    looks = {
        "compliance.run", "gateway.prove", "gateway.look", "gateway.export", "gateway.report",
        "gateway.alert.ack", "gateway.index", "node.inspect", "vm.console", "gateway.change.try",
        "gateway.dead.rerun", "gateway.dead.drop",
    }  # fmt: skip
    silent = {kind for kind in WORKERS if not compared.touched(kind)}
    assert {kind for kind in silent if not kind.startswith("compliance.")} == looks - {
        "compliance.run"
    }


def report(started, text):
    made = Evidence.of("sshd -T", Answer(text, Status.ANSWERED), at=started, where="n0")
    return {
        "started": started, "seconds": 1.0, "subjects": [{"ref": "host:n0"}], "foreign": [], "laws": [],
        "checks": [], "findings": [], "evidence": {made.sha256: made.as_dict()},
    }  # fmt: skip


def keep(box, found):
    path = box.folder / f"{found['started'][:13]}.json"
    path.write_text(json.dumps({"report": found}))
    with transaction(box.engine) as session:
        session.add(
            ComplianceRun(id=path.stem, at=found["started"], seconds=1, ruleset="r", digest="d",
                          json_path=str(path), html_path="", summary={})
        )  # fmt: skip
    return path.stem


def test_a_run_says_what_moved_since_the_one_before_and_what_no_job_explains(box):
    said = []
    first = report("2026-11-20T08:00:00.000000+00:00", "port 22\n")
    assert moved(box.site, first, said.append) is None
    before = keep(box, first)
    again = {**copy.deepcopy(first), "started": "2026-11-21T08:00:00.000000+00:00"}
    assert moved(box.site, again, said.append) == {"before": before, "found": 0, "drift": 0}
    other = report("2026-11-21T08:00:00.000000+00:00", "port 2222\n")
    assert moved(box.site, other, said.append) == {"before": before, "found": 1, "drift": 1}
    assert "漂移 drift: setting n0 sshd -T" in said
    ran(box, "tenant.set", "tenant/red")
    assert moved(box.site, other, said.append)["drift"] == 1, "a tenant's limits explain no sshd"
    ran(box, "node.configure", "node/n0")
    assert moved(box.site, other, said.append) == {"before": before, "found": 1, "drift": 0}


def test_a_job_that_ended_after_the_second_run_began_between_them(box):
    first = report("2026-11-20T08:00:00.000000+00:00", "port 22\n")
    keep(box, first)
    ran(box, "node.configure", "node/n0")
    with transaction(box.engine) as session:
        session.execute(update(Job).values(finished_at="2026-11-22T08:00:00.000000+00:00"))
    other = report("2026-11-21T08:00:00.000000+00:00", "port 2222\n")
    assert moved(box.site, other, [].append)["drift"] == 0


def test_an_earlier_report_that_is_gone_fails_no_run(box):
    keep(box, report("2026-11-20T08:00:00.000000+00:00", "port 22\n"))
    for path in box.folder.glob("2026*.json"):
        path.unlink()
    said = []
    assert moved(box.site, report("2026-11-21T08:00:00.000000+00:00", ""), said.append) is None
    assert "无法与上次比较" in said[0]


def test_each_guest_is_an_object_that_people_judge(box):
    with reading(box.engine) as session:
        (guest,) = answers.guests(session)
        listed = answers.unentered(session)
        asked = {one.question.subject for one in questioning.asked(session)}
    assert (guest.subject.ref, guest.place) == ("host:vm-v1", "n0")
    assert listed == [guest]
    assert "host:vm-v1" in asked


def test_an_object_that_somebody_entered_under_a_guests_name_is_there_once(box):
    with transaction(box.engine) as session:
        row = {
            "ref": "host:vm-v1",
            "kind": "host",
            "name": "vm-v1",
            "what": "server",
            "maker": "",
            "place": "",
        }
        session.add(ForeignObject(**row, applies_to=[], made_by="sam", created_at="now"))
    with reading(box.engine) as session:
        assert [one.what for one in answers.unentered(session)] == ["server"]

"""Statements and waivers through the worker: written, approved by another person, sealed, carried into the next run."""

import datetime as dt
import hashlib
import json
from dataclasses import replace

import pytest
from sqlalchemy import update

from appliance import chance, clock
from appliance.errors import BadInput, BoxError, Forbidden
from appliance.host import Result
from compliance.catalogue import load
from compliance.findings import findings
from compliance.given_file import dump, parse
from compliance.model import Subject, Verdict
from controller.actions.assessing import BoxsOwn, ObjectInUse, RemoveObject, SetChoice, SetObject
from controller.actions.papers import (
    FILE_LIMIT,
    AnswerQuestion,
    ApproveAnswer,
    ApproveWaiver,
    AskWaiver,
    NoSuchQuestion,
    OtherPaper,
    PaperDecided,
    WithdrawAnswer,
    WithdrawWaiver,
)
from controller.records import answers
from controller.records.assessment import ComplianceChoice, ComplianceStatement, ComplianceWaiver
from controller.records.session import reading, transaction
from controller.records.tables import ComplianceRun, Node
from controller.workers.given import collect
from tests.unit.controller.workers.box import Box, Quiet

ITEM, PLACE = "8.1.1.1.a", "person:site"


def in_days(days):
    return (clock.now().date() + dt.timedelta(days=days)).isoformat()


class NoGroup(Quiet):
    """This machine has no group hbox; which files it was to get is noted."""

    def run(self, argv, **given):
        if argv[0] != "chgrp":
            return super().run(argv, **given)
        self.asked.append(tuple(argv))
        return Result(tuple(argv), 0, b"", b"")


@pytest.fixture
def box(tmp_path):
    made = Box.new(tmp_path)
    home = replace(made.site.nodes["n0"], host=NoGroup(made.asked, made.broken))
    made.site = replace(made.site, nodes={"n0": home})
    (tmp_path / "uploads").mkdir()
    with transaction(made.engine) as session:
        session.add(Node(name="n0", home=True))
    yield made
    made.engine.dispose()


def stated(
    verdict="conform", *, item=ITEM, place=PLACE, files="[]", days=200, record="看过验收文件"
):
    return AnswerQuestion(chance.new_id(), item, place, verdict, record, in_days(days), files)


def waived(days=90, item="8.1.4.1.a", place="controller:box"):
    return AskWaiver(chance.new_id(), item, place, "等待供应商", "只在内网登录", in_days(days))


def row(box, action, kind=ComplianceStatement):
    with reading(box.engine) as session:
        return session.get(kind, action.paper_id)


def approve(box, action, who="aud"):
    kind, verb = ComplianceStatement, ApproveAnswer
    if isinstance(action, AskWaiver):
        kind, verb = ComplianceWaiver, ApproveWaiver
    return box.done(who, verb(action.paper_id, row(box, action, kind).digest))


def given(box):
    said = []
    made = collect(box.site, said.append)
    assert parse(dump(made)) == made, "what the inspector would refuse must never be handed over"
    return made, "\n".join(said)


def test_a_statement_counts_from_its_approval_by_another_person_and_is_carried_over(box):
    asked = stated()
    job = box.done("sam", asked)
    assert job.state == "succeeded", job.error
    [one] = given(box)[0].statements
    assert (one.verdict, one.answered_by, one.approved_by) == (Verdict.CONFORM, "sam", "")
    assert approve(box, asked).state == "succeeded"
    for _ in range(2):  # the next run and the one after it
        [one] = given(box)[0].statements
        assert (one.approved_by, one.review_by) == ("aud", asked.review_by)
    found = findings(load(), [Subject("person", "site")], [], given(box)[0])
    [finding] = [f for f in found if (f.item, f.subject.ref) == (ITEM, PLACE)]
    assert finding.verdict is Verdict.CONFORM
    assert finding.statement.approved_by == "aud"


def test_only_the_audit_administrator_approves_and_only_what_was_read(box):
    asked = stated()
    box.done("sue", asked)
    for who in ("sam", "sue"):
        with pytest.raises(BoxError) as caught:
            approve(box, asked, who)
        assert isinstance(caught.value, Forbidden)
    with pytest.raises(OtherPaper):
        box.done("aud", ApproveAnswer(asked.paper_id, "0" * 64))
    assert approve(box, asked).state == "succeeded"
    with pytest.raises(PaperDecided):
        approve(box, asked)


def test_nobody_approves_what_the_same_account_wrote_in_an_earlier_role(box):
    asked = stated()
    box.done("sam", asked)
    with transaction(box.engine) as session:
        session.execute(update(ComplianceStatement).values(asked_by="aud"))
        held = session.get(ComplianceStatement, asked.paper_id)
        held.digest = answers.content_digest(held)
    job = approve(box, asked)
    assert (job.state, job.error["code"]) == ("failed", "compliance.same_person")
    assert row(box, asked).state == "asked"


def test_an_approved_statement_holds_until_its_successor_is_approved(box):
    first, second, third = stated(), stated("violated"), stated("partial")
    box.done("sam", first)
    approve(box, first)
    box.done("sue", second)
    assert [s.verdict for s in given(box)[0].statements] == [Verdict.CONFORM]
    box.done("sue", third)
    assert row(box, second).state == "replaced"
    approve(box, third)
    assert [s.verdict for s in given(box)[0].statements] == [Verdict.PARTIAL]
    assert [row(box, one).state for one in (first, second, third)] == [
        "replaced", "replaced", "approved",
    ]  # fmt: skip
    box.done("aud", WithdrawAnswer(third.paper_id, "证据不足"))
    assert given(box)[0].statements == ()
    assert row(box, third).comment == "证据不足"


@pytest.mark.parametrize(
    "column", ["verdict", "record", "review_by", "approved_by", "asked_by", "seal"]
)
def test_a_row_that_the_worker_did_not_seal_counts_as_not_approved(box, column):
    asked = stated("violated")
    box.done("sam", asked)
    approve(box, asked)
    forged = {"verdict": "conform", "review_by": "2030-01-01", "seal": "00" * 64}.get(column, "sid")
    with transaction(box.engine) as session:
        session.execute(update(ComplianceStatement).values({column: forged}))
    made, said = given(box)
    assert made.statements[0].approved_by == ""
    assert "签封不符" in said


def test_a_forged_waiver_or_choice_counts_for_nothing(box):
    box.done("aud", SetChoice("hbox-risk-1.availability", "no"))
    box.done("sam", asked := waived())
    approve(box, asked)
    made, _ = given(box)
    assert made.options == {"hbox-risk-1.availability": "no"}
    assert made.waivers[0].approved_by == "aud"
    with transaction(box.engine) as session:
        session.execute(update(ComplianceWaiver).values(expires="2030-01-01"))
        session.add(
            ComplianceChoice(
                key="hbox-2025-1.partial", value="half", set_by="aud", set_at="x", seal=""
            )
        )
        session.execute(
            update(ComplianceChoice)
            .where(ComplianceChoice.key == "hbox-risk-1.availability")
            .values(set_by="sid")
        )
    made, _ = given(box)
    assert made.options == {}
    assert made.waivers[0].approved_by == ""


def upload(box, data):
    name = f"{chance.new_id()}.paper"
    (box.folder / "uploads" / name).write_bytes(data)
    seen = hashlib.sha256(data).hexdigest()
    return {"name": "验收.pdf", "upload": name, "digest": seen, "size": len(data)}


def test_attachments_are_kept_by_their_digest_for_the_group_alone(box):
    file = upload(box, b"%PDF-1.7 acceptance")
    asked = stated(files=json.dumps([file]))
    assert box.done("sam", asked).state == "succeeded"
    held = box.folder / "attachments" / file["digest"]
    assert held.read_bytes() == b"%PDF-1.7 acceptance"
    assert held.stat().st_mode & 0o777 == 0o640
    assert ("chgrp", "hbox", str(held)) in box.asked
    assert not (box.folder / "uploads" / file["upload"]).exists()
    approve(box, asked)
    [kept] = given(box)[0].statements[0].attachments
    assert (kept.name, kept.size, kept.sha256) == ("验收.pdf", 19, file["digest"])


def test_an_attachment_kept_before_is_told_with_its_own_size(box):
    file = upload(box, b"%PDF-1.7 acceptance")
    assert box.done("sam", stated(files=json.dumps([file]))).state == "succeeded"
    job = box.done("sam", stated(files=json.dumps([{**file, "size": 3}])))
    assert (job.state, job.error["code"]) == ("failed", "module.other_file")
    assert (box.folder / "attachments" / file["digest"]).is_file()


def test_an_attachment_that_was_changed_on_the_disk_is_handed_in_again(box):
    file = upload(box, b"%PDF-1.7 acceptance")
    assert box.done("sam", stated(files=json.dumps([file]))).state == "succeeded"
    held = box.folder / "attachments" / file["digest"]
    held.write_bytes(b"rotten")
    again = upload(box, b"%PDF-1.7 acceptance")
    assert box.done("sam", stated(files=json.dumps([again]))).state == "succeeded"
    assert held.read_bytes() == b"%PDF-1.7 acceptance"


def test_what_was_withdrawn_or_replaced_is_not_brought_back_by_its_state(box):
    first, second = stated(), stated("violated")
    for one in (first, second):
        box.done("sam", one)
        approve(box, one)
    box.done("aud", WithdrawAnswer(second.paper_id, "证据不足"))
    with transaction(box.engine) as session:
        session.execute(update(ComplianceStatement).values(state="approved"))
    [held] = given(box)[0].statements
    assert held.approved_by == ""


@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"size": 3}])
def test_an_attachment_that_is_another_file_leaves_nothing(box, change):
    file = {**upload(box, b"other"), **change}
    job = box.done("sam", stated(files=json.dumps([file])))
    assert (job.state, job.error["code"]) == ("failed", "module.other_file")
    assert not list((box.folder / "attachments").glob("*"))
    assert given(box)[0].statements == ()


@pytest.mark.parametrize(
    "files",
    [
        "{", "{}", "[1]", '[{"name": "a"}]',
        json.dumps([{"name": "../x", "upload": "x", "digest": "0" * 64, "size": 1}]),
        json.dumps([{"name": "x", "upload": f"{chance.new_id()}.paper", "digest": "0" * 64, "size": FILE_LIMIT + 1}]),
        json.dumps([{"name": "制度\u202efdp.exe", "upload": f"{chance.new_id()}.paper", "digest": "0" * 64, "size": 1}]),
    ],
)  # fmt: skip
def test_attachments_of_another_form_are_refused(files):
    with pytest.raises(BadInput):
        stated(files=files)


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (lambda: stated(item="8.1.1.99"), NoSuchQuestion),
        (lambda: stated(place="host:n9"), NoSuchQuestion),
        (lambda: stated(place="boundary:gateway"), NoSuchQuestion),
        (lambda: stated(days=-1), BadInput),
        (lambda: stated(days=900), BadInput),
        (lambda: waived(days=900), BadInput),
    ],
)
def test_what_nobody_asks_or_would_hold_for_ever_is_refused(box, action, error):
    with pytest.raises(error):
        box.done("sam", action())


def test_a_waiver_holds_from_its_approval_to_its_withdrawal(box):
    box.done("sam", asked := waived())
    assert given(box)[0].waivers[0].approved_by == ""
    assert approve(box, asked).state == "succeeded"
    [one] = given(box)[0].waivers
    assert (one.requested_by, one.approved_by, one.expires) == ("sam", "aud", asked.expires)
    assert box.done("sue", WithdrawWaiver(asked.paper_id, "已升级")).state == "succeeded"
    assert given(box)[0].waivers == ()


def test_a_foreign_object_is_asked_its_items_until_it_is_removed(box):
    made = SetObject("boundary", "fw-1", "出口防火墙", "某厂", "一楼", json.dumps(["8.1.3.1.a"]))
    assert box.done("sam", made).state == "succeeded"
    [one] = given(box)[0].foreign
    assert (one.subject.ref, one.applies_to) == ("boundary:fw-1", ("8.1.3.1.a",))
    box.done("sam", asked := stated(item="8.1.3.1.a", place="boundary:fw-1"))
    with pytest.raises(NoSuchQuestion):
        box.done("sam", stated(item="8.1.3.1.b", place="boundary:fw-1"))
    with pytest.raises(ObjectInUse):
        box.done("sam", RemoveObject("boundary:fw-1"))
    box.done("sam", WithdrawAnswer(asked.paper_id, "设备已撤"))
    assert box.done("sam", RemoveObject("boundary:fw-1")).state == "succeeded"
    assert given(box)[0].foreign == ()
    with pytest.raises(BoxsOwn):
        box.done("sam", SetObject("boundary", "gateway", "x", "", "", "[]"))


def test_a_stated_fault_does_not_vanish_by_what_its_object_is_asked(box):
    box.done("sam", SetObject("boundary", "fw-1", "出口防火墙", "", "", "[]"))
    box.done("sam", asked := stated("violated", item="8.1.3.1.a", place="boundary:fw-1"))
    approve(box, asked)
    narrow = SetObject("boundary", "fw-1", "出口防火墙", "", "", json.dumps(["8.1.3.1.b"]))
    with pytest.raises(ObjectInUse):
        box.done("sam", narrow)
    still = json.dumps(["8.1.3.1.a", "8.1.3.1.b"])
    box.done("sam", SetObject("boundary", "fw-1", "旧防火墙", "", "", still))
    assert given(box)[0].foreign[0].what == "旧防火墙"
    box.done("aud", WithdrawAnswer(asked.paper_id, "误判"))
    assert box.done("sam", narrow).state == "succeeded"


@pytest.mark.parametrize("verdict", ["violated", "partial"])
def test_an_approved_fault_is_taken_back_by_who_approves_alone(box, verdict):
    box.done("sam", asked := stated(verdict))
    approve(box, asked)
    for who in ("sam", "sue"):
        job = box.done(who, WithdrawAnswer(asked.paper_id, "已解决"))
        assert (job.state, job.error["code"]) == ("failed", "compliance.fault_stands")
    assert [str(one.verdict) for one in given(box)[0].statements] == [verdict]
    box.done("sue", better := stated())
    approve(box, better)
    assert row(box, asked).state == "replaced", "a new answer replaces it once approved"
    box.done("sue", fault := stated(verdict))
    assert box.done("sue", WithdrawAnswer(fault.paper_id, "写错")).state == "succeeded"
    box.done("sue", again := stated(verdict))
    approve(box, again)
    assert box.done("aud", WithdrawAnswer(again.paper_id, "证据不足")).state == "succeeded"


def test_an_object_that_became_a_node_is_asked_all_that_a_node_is_asked(box):
    items = json.dumps(["8.1.4.1.a"])
    box.done("sam", SetObject("host", "n2", "将来的节点", "", "", items))
    assert [one.name for one in given(box)[0].foreign] == ["n2"]
    with transaction(box.engine) as session:
        session.add(Node(name="n2"))
    made, _ = given(box)
    assert made.foreign == ()
    n2 = Subject("host", "n2")
    asked = {f.item for f in findings(load(), [n2], [], made) if f.subject == n2}
    assert len(asked) > 20


def test_a_run_before_correction_whose_report_is_gone_stops_no_run(box, tmp_path):
    run = chance.new_id()
    with transaction(box.engine) as session:
        session.add(
            ComplianceRun(id=run, at=clock.iso(), seconds=1, ruleset="r", digest="ab" * 32,
                          json_path=str(tmp_path / "gone.json"), html_path="", summary={})
        )  # fmt: skip
    box.done("aud", SetChoice("former", run))
    made, said = given(box)
    assert made.former is None
    assert run in said


def test_the_run_before_correction_is_told_by_its_open_risks(box, tmp_path):
    report = {
        "report": {"risks": [{"id": "A-18", "state": "open"}, {"id": "A-13", "state": "closed"}]}
    }
    path = tmp_path / "r.json"
    path.write_text(json.dumps(report))
    run = chance.new_id()
    with transaction(box.engine) as session:
        session.add(
            ComplianceRun(id=run, at=clock.iso(), seconds=1, ruleset="r", digest="ab" * 32,
                          json_path=str(path), html_path="", summary={})
        )  # fmt: skip
    with pytest.raises(BoxError):
        box.done("aud", SetChoice("former", chance.new_id()))
    box.done("aud", SetChoice("former", run))
    assert given(box)[0].former.risks == ("A-18",)
    assert given(box)[0].options == {}
    box.done("aud", SetChoice("former", ""))
    assert given(box)[0].former is None

"""`hbox compliance question|waiver|object|option|schedule`, typed by three persons, with the real worker."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from appliance import clock
from appliance.host import Result
from appliance.signing import SigningKey
from compliance.evidence import Answer, Evidence, Status
from controller.records.tables import ComplianceRun
from controller.workers.given import collect
from tests.unit.controller.cli.typed import at_work, typist
from tests.unit.controller.workers.box import Box, Quiet

LATER = (clock.now().date() + dt.timedelta(days=90)).isoformat()
SOON = (clock.now().date() + dt.timedelta(days=20)).isoformat()


class NoGroup(Quiet):
    """This machine has no group hbox."""

    def run(self, argv, **given):
        return (
            Result(tuple(argv), 0, b"", b"") if argv[0] == "chgrp" else super().run(argv, **given)
        )


@pytest.fixture(scope="module")
def box(site):
    """The worker of the running box."""
    state = site.controller.settings.state
    for name in ("audit", "policy", "report"):
        SigningKey.load_or_new(state / "keys" / f"{name}.key")
    made = Box(state)
    home = replace(made.site.nodes["n0"], host=NoGroup(made.asked, made.broken))
    made.site = replace(made.site, nodes={"n0": home})
    with at_work(made):
        yield made


@pytest.fixture
def typed(site, box, monkeypatch, capsys):
    """Type one command as one of the three administrators; return exit code, output and error output."""
    monkeypatch.setenv("HBOX_SOCKET", str(site.socket))
    run = typist(site, capsys, "compliance")
    yield run
    run("sysadmin", "schedule")


def told(typed, *words):
    code, out, err = typed("audadmin", *words, "--format", "json")
    assert code == 0, err
    return json.loads(out)


def test_an_answer_from_its_question_to_the_next_run(typed, box, tmp_path):
    proof = tmp_path / "验收.pdf"
    proof.write_bytes(b"%PDF acceptance")
    code, out, err = typed("sysadmin", "question", "list", "--layer", "8.1.1", "--state", "open")
    assert code == 0, err
    assert "8.1.1.1.a" in out
    given = ("--verdict", "conform", "--record", "看过验收文件", "--review-by", SOON)
    code, out, err = typed(
        "sysadmin", "question", "answer", "8.1.1.1.a", *given, "--attach", str(proof)
    )
    assert code == 0, err
    held = told(typed, "question", "show", "8.1.1.1.a")
    assert (held["state"], held["waiting"]["asked_by"]) == ("waits", "sysadmin")
    assert held["waiting"]["attachments"][0]["name"] == "验收.pdf"
    paper, digest = held["waiting"]["id"], held["waiting"]["digest"]
    code, _, err = typed("sysadmin", "question", "approve", paper, "--digest", digest)
    assert code == 1
    assert "[auth.forbidden]" in err
    code, _, err = typed("audadmin", "question", "approve", paper, "--digest", digest)
    assert code == 0, err
    assert told(typed, "question", "show", "8.1.1.1.a")["state"] == "soon"
    code, out, _ = typed("secadmin", "question", "show", "8.1.1.1.a")
    assert "看过验收文件" in out
    [one] = collect(box.site, print).statements
    assert (one.approved_by, one.attachments[0].name) == ("audadmin", "验收.pdf")
    code, _, err = typed("secadmin", "question", "withdraw", paper, "--comment", "材料过期")
    assert code == 0, err
    assert told(typed, "question", "list", "--state", "soon") == []


def test_a_waiver_is_asked_for_approved_and_withdrawn(typed):
    given = ("--reason", "等待供应商", "--measure", "只在内网登录", "--expires", LATER)
    code, _, err = typed("secadmin", "waiver", "ask", "8.1.4.1.a", "controller:box", *given)
    assert code == 0, err
    [held] = told(typed, "waiver", "list")
    assert (held["state"], held["asked_by"], held["expires"]) == ("asked", "secadmin", LATER)
    code, _, err = typed("audadmin", "waiver", "approve", held["id"], "--digest", held["digest"])
    assert code == 0, err
    code, out, _ = typed("sysadmin", "waiver", "list")
    assert "audadmin" in out
    assert typed("secadmin", "waiver", "withdraw", held["id"], "--comment", "已升级")[0] == 0
    assert told(typed, "waiver", "list") == []
    assert [one["state"] for one in told(typed, "waiver", "list", "--all")] == ["withdrawn"]


def test_objects_options_and_schedule(typed):
    code, _, err = typed("sysadmin", "object", "add", "boundary", "fw-1", "--what", "出口防火墙")
    assert code == 0, err
    assert [one["ref"] for one in told(typed, "object", "list")] == ["boundary:fw-1"]
    asked = told(typed, "question", "list", "--layer", "8.1.3")
    assert "boundary:fw-1" in {one["subject"] for one in asked}
    assert typed("sysadmin", "object", "remove", "boundary:fw-1")[0] == 0
    assert typed("audadmin", "option", "set", "hbox-2025-1.partial", "half")[0] == 0
    options = {one["key"]: one for one in told(typed, "option", "list")}
    chosen = options["hbox-2025-1.partial"]
    assert (chosen["taken"], chosen["set_by"]) == ("half", "audadmin")
    assert typed("secadmin", "schedule", "--days", "7", "--hour", "2")[0] == 0
    assert told(typed, "schedule") == {"days": 7, "hour": 2, "by": "secadmin"}
    assert typed("secadmin", "schedule", "--days", "0")[0] == 0
    assert told(typed, "schedule")["days"] == 0


def kept(site, name, started, text):
    made = Evidence.of("sshd -T", Answer(text, Status.ANSWERED), at=started, where="node-1")
    report = {
        "started": started, "seconds": 1.0, "subjects": [], "foreign": [], "laws": [], "checks": [],
        "findings": [], "evidence": {made.sha256: made.as_dict()},
    }  # fmt: skip
    path = site.controller.settings.state / "reports" / f"{name}.json"
    path.write_text(json.dumps({"report": report}))
    with Session(site.controller.engine) as session, session.begin():
        session.add(
            ComplianceRun(id=name, at=started, seconds=1, ruleset="r", digest="d", json_path=str(path),
                          html_path="", summary={})
        )  # fmt: skip


def test_drift_between_two_runs_is_told_and_is_the_exit_code(site, typed):
    kept(site, "one", "2026-10-20T08:00:00.000000+00:00", "port 22\n")
    kept(site, "two", "2026-10-21T08:00:00.000000+00:00", "port 2222\n")
    kept(site, "three", "2026-10-22T08:00:00.000000+00:00", "port 2222\n")
    code, out, _ = typed("audadmin", "difference", "one", "two")
    assert code == 4
    assert "1 处没有变更记录" in out
    assert "sshd -T" in out
    assert typed("audadmin", "difference", "two", "three")[0] == 0
    found = typed("audadmin", "difference", "two", "one", "--format", "json")[1]
    assert json.loads(found)["before"] == "2026-10-20T08:00:00.000000+00:00", (
        "the earlier one is first"
    )

"""A mending is seen before it is made, proved before it stays, and taken back byte for byte."""

import base64
import json
from dataclasses import replace

import pytest

from appliance import clock
from appliance.errors import BadInput, Conflict, Forbidden
from compliance.differences import compare
from controller.actions.mending import MendFindings, PlanMending, UndoMending
from controller.records import compared
from controller.records.session import reading
from controller.workers import mending_proof
from controller.workers.mending_kept import Kept
from controller.workers.mending_text import Diffs, between
from controller.workers.nodes_play import PlayFailed, worth_telling
from tests.crash.mendable import (
    BROKEN,
    LIMITS,
    MET,
    STACK,
    TIMEOUT,
    Roles,
    mendable,
    node_of,
)
from tests.crash.world import HOME, World

MEND = MendFindings(HOME, "faillock,shell_timeout", 120)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr("controller.workers.mending_proof._PAUSE", 0.0)
    monkeypatch.setattr("controller.jobs.undo._PAUSES", (0.0, 0.0))
    made = World.make(tmp_path / "box", f"sqlite:///{tmp_path}/box/db/hbox.sqlite")
    made.around = mendable
    made.__post_init__()
    node_of(made).put({**BROKEN, "/etc/shadow": "root:!:1::::::\n"})
    yield made
    made.engine.dispose()


def done(world, action, who="sue", **roles):
    """Ask, work, return the job; `roles` say how Ansible behaves."""
    if roles:
        world.site = replace(world.site, roles=Roles(node_of(world).root, **roles))
    world.ask(who, action)
    world.work()
    return world.last()


def state(world):
    return node_of(world).files()


def test_a_dry_run_shows_the_change_and_changes_nothing(world):
    before = state(world)
    job = done(world, PlanMending(HOME, "faillock"))
    assert job.state == "succeeded"
    assert f"+++ after: {LIMITS}" in job.result["diff"]
    assert job.result["would_change"] == 2
    assert state(world) == before


def test_a_mending_conforms_is_kept_and_is_undone_byte_for_byte(world):
    before = state(world)
    job = done(world, MEND)
    assert (job.state, job.error) == ("succeeded", None), world.lines(job.id)
    assert job.result["verdicts"]["faillock"] == ["violated", "conform"]
    assert set(job.result["changed"]) == {STACK, LIMITS, TIMEOUT, "/etc/profile.d"}
    node = node_of(world)
    assert node.read(LIMITS).decode() == MET["faillock"][LIMITS]
    assert not list(node.root.glob("timers/*")), "the timer is stopped"
    assert not list(node.root.glob("var/lib/hbox/mending/*")), "nothing stays on the node"
    assert node.renewals.read_text() == "restart\n", "the file database takes over what was meant"
    kept = Kept.of(world.settings, job.id)
    assert oct(kept.folder.stat().st_mode)[-3:] == "700"
    assert "/etc/shadow" not in json.dumps(kept.read("before.json")), "only the surface is kept"
    undone = done(world, UndoMending(HOME, job.id, force=False, seconds=120))
    assert (undone.state, undone.error) == ("succeeded", None), world.lines(undone.id)
    assert state(world) == before
    assert node.renewals.read_text() == "restart\n" * 2
    assert not kept.folder.exists()
    again = done(world, UndoMending(HOME, job.id, force=False, seconds=120))
    assert again.error["code"] == "compliance.nothing_kept"


def test_a_second_mending_changes_nothing(world):
    done(world, MEND)
    job = done(world, MEND)
    assert job.state == "succeeded"
    assert job.result["changed"] == {}
    assert node_of(world).renewals.read_text() == "restart\n", "once: the second changed nothing"


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        ({"breaks": PlayFailed(what="ansible", why="x")}, "node.play_failed"),
        ({"breaks": RuntimeError("x")}, "job.step_broke"),
        ({"also": {"/etc/crontab": "* * * * * root true\n"}}, "compliance.outside_surface"),
        ({"also": {STACK: "auth requisite pam_deny.so\n"}}, "compliance.locked_out"),
        (
            {"met": {"faillock": {LIMITS: "deny = 40\n"}, "shell_timeout": {}}},
            "compliance.not_mended",
        ),
        ({"meanwhile": [lambda node: node.fire()]}, "compliance.revert_fired"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_whatever_goes_wrong_everything_is_put_back(world, roles, code):
    before = state(world)
    job = done(world, MEND, **roles)
    assert (job.state, job.error["code"]) == ("failed", code), world.lines(job.id)
    assert state(world) == before
    assert not list((world.folder / "mended").iterdir())
    assert not node_of(world).renewals.exists(), "nothing was meant"


def test_a_way_in_that_was_closed_before_is_no_reason_to_revert(world):
    node_of(world).put({STACK: "auth requisite pam_deny.so\n"})
    job = done(world, MEND)
    assert job.state == "succeeded", world.lines(job.id)


def test_an_undoing_may_let_a_wrong_password_in_again_and_may_keep_nobody_out(world):
    for line, code in (
        ("auth sufficient pam_permit.so", ""),
        ("auth requisite pam_deny.so", "compliance.locked_out"),
    ):
        node_of(world).put({STACK: f"{line}\n"})
        job = done(world, MEND)
        assert job.state == "succeeded", world.lines(job.id)
        mended = state(world)
        undone = done(world, UndoMending(HOME, job.id, force=False, seconds=120))
        assert (undone.error or {}).get("code", "") == code, world.lines(undone.id)
        assert (state(world) == mended) is bool(code)


def test_what_was_changed_since_is_not_overwritten_unless_forced(world):
    before = state(world)
    job = done(world, MEND)
    node_of(world).put({LIMITS: "deny = 3\nunlock_time = 300\n"})
    since = state(world)
    refused = done(world, UndoMending(HOME, job.id, force=False, seconds=120))
    assert refused.error["code"] == "compliance.changed_since"
    assert LIMITS in refused.error["message"]["zh"]
    assert "-deny = 3" in refused.result["diff"]
    assert state(world) == since
    forced = done(world, UndoMending(HOME, job.id, force=True, seconds=120))
    assert forced.state == "succeeded", world.lines(forced.id)
    assert state(world) == before


def test_only_a_mending_that_succeeded_on_that_node_can_be_undone(world):
    failed = done(world, MEND, breaks=RuntimeError("x"))
    for job in (failed.id, "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(Conflict) as refused:
            world.ask("sue", UndoMending(HOME, job, force=False, seconds=120))
        assert refused.value.code == "compliance.not_a_mending"


@pytest.mark.parametrize("names", ["", "boot_trust", "Faillock", "faillock,../x", "no_such"])
def test_a_remedy_that_is_none_is_refused(names):
    with pytest.raises(BadInput):
        MendFindings(HOME, names, 120)


def test_who_audits_may_not_mend(world):
    with pytest.raises(Forbidden):
        world.ask("aud", MEND)


def test_no_secret_is_in_a_diff():
    diffs = Diffs()
    lines = [
        "--- before: /etc/shadow", "+++ after: /root/.ansible/tmp/x", "@@ -1 +1 @@",
        "-root:$6$old", "+root:$6$new", "changed: [n1]", "--- before: /etc/x", "+++ after: /etc/x", "+ok",
    ]  # fmt: skip
    shown = [diffs.take(line) for line in lines]
    assert "$6$" not in "".join(shown) + diffs.text
    assert shown[-1] == "+ok"
    old, new = ({"/etc/shadow": {"data": data}} for data in ("cm9vdA==", "eA=="))
    assert "root" not in between(old, new, ["/etc/shadow"])


def test_a_password_in_an_account_line_is_in_no_diff():
    old, new = (
        b"a:x:1:1::/:/bin/sh\nb:$6$abc:2:2::/:/bin/sh\n",
        b"a:x:1:1::/:/bin/sh\nb:x:2:2::/:/bin/sh\n",
    )
    held = ({"/etc/passwd": {"data": base64.b64encode(text).decode()}} for text in (old, new))
    told = between(*held, ["/etc/passwd"])
    assert "$6$" not in told
    assert ("a:x:1:1" in told, "+b:x:2:2" in told, "-b:(" in told) == (True, True, True)
    diffs = Diffs()
    for line in (
        "--- before: /etc/passwd",
        "+++ after: /etc/passwd",
        "@@ -1 +1 @@",
        "-b:$6$abc:2:2::/:/bin/sh",
    ):
        assert "$6$" not in diffs.take(line)
    assert "$6$" not in diffs.text


def test_a_diff_of_owner_and_mode_says_of_which_file():
    diffs = Diffs()
    for line in (
        "--- before", "+++ after", "@@ -1,4 +1,4 @@", " {", '-    "mode": "0644",', '+    "mode": "0640",',
        '     "path": "/etc/shadow"', " }", "changed: [n1]",
    ):  # fmt: skip
        if told := worth_telling(line, check=True):
            diffs.take(told)
    assert '"path": "/etc/shadow"' in diffs.text
    assert "changed" not in diffs.text


def test_a_secret_file_cannot_talk_its_way_into_a_diff():
    diffs = Diffs()
    lines = [
        "--- before: /etc/shadow", "+++ after: /etc/shadow", "@@ -1,4 +1,3 @@", "--- before: /etc/motd",
        " root:$6$kept", "", "-a:$6$gone", "+a:$6$made",
        "--- before: /etc/motd", "+++ after: /etc/motd", "@@ -1,2 +1 @@", " welcome", "-bye",
        "--- before: /etc/chrony/chrony.keys", "+++ after: /etc/chrony/chrony.keys", "@@ -0,0 +1 @@", "+1 HEX:$6$",
        "changed: [n1]",
    ]  # fmt: skip
    shown = "".join([diffs.take(line) for line in lines]) + diffs.text
    assert "$6$" not in shown
    assert " welcome-bye" in shown
    assert "changed: [n1]" in shown


@pytest.mark.parametrize(
    ("before", "after", "bad"),
    [
        ({"a": "violated"}, {"a": "unknown"}, ["a"]),
        ({"a": "conform", "b": "violated"}, {"a": "unknown", "b": "conform"}, ["a"]),
        ({"a": "violated"}, {"a": "violated"}, ["a"]),
        ({"a": "violated"}, {"a": "partial"}, []),
        ({"a": "violated", "b": "violated"}, {"a": "conform", "b": "violated"}, []),
        ({"a": "violated", "b": "conform"}, {"a": "conform", "b": "partial"}, ["b"]),
        ({"a": "conform"}, {"a": "conform"}, []),
        ({"a": "unknown"}, {"a": "unknown"}, []),
        ({}, {"a": "violated"}, ["a"]),
    ],
)
def test_what_makes_nothing_better_or_something_worse_is_taken_back(before, after, bad):
    told = [{check: (verdict, "") for check, verdict in one.items()} for one in (before, after)]
    assert mending_proof.unmended(*told) == bad


def test_a_way_that_is_not_tried_any_more_counts_as_lost():
    assert set(mending_proof.closed({"ssh": "", "pam": "x", "port": ""}, {"ssh": ""})) == {"port"}


def report(started, *violated):
    """A report of a box on which these checks (check, object) are violated, and the node's filter is another."""
    checks = [("mail_closed", "boundary:gateway"), ("central_policy", "controller:box"),
              ("records_modes", "db:box"), ("faillock", f"host:{HOME}"), ("pg_roles", "db:box"),
              ("idle_accounts", "controller:box"), ("tunnels", "boundary:gateway")]  # fmt: skip
    return {
        "started": started, "seconds": 3600.0, "findings": [], "laws": [], "foreign": [],
        "subjects": [{"ref": ref} for ref in {ref for _, ref in checks}],
        "evidence": {"1": {"asked": "cat /etc/pam.d/common-auth", "where": HOME, "status": "answered",
                           "answer": f"{len(violated)}"}},
        "checks": [
            {"id": name, "subject": ref, "verdict": "violated" if name in violated else "conform",
             "reason": {"zh": "x", "en": "x"}}
            for name, ref in checks
        ],
    }  # fmt: skip


def test_what_a_mending_or_its_undoing_can_move_is_no_drift_and_all_else_is(world):
    before = clock.iso()
    job = done(world, MEND)
    done(world, UndoMending(HOME, job.id, force=False, seconds=120))
    with reading(world.engine) as session:
        records = compared.changes(session)
    others = (
        "mail_closed",
        "central_policy",
        "records_modes",
        "pg_roles",
        "idle_accounts",
        "tunnels",
    )
    assert len({one.job for one in records}) == 2
    for job in {one.job for one in records}:
        jobs = [one for one in records if one.job == job]
        found = compare(report(before, "faillock", *others), report(before), jobs)
        assert sorted(one.name for one in found.drift) == sorted(others)
    assert len(compare(report(before, "faillock"), report(before)).drift) == 2


def test_a_mending_that_was_put_back_covers_nothing_that_was_done_by_hand(world):
    before = clock.iso()
    job = done(world, MEND, breaks=PlayFailed(what="ansible", why="x"))
    assert job.state == "failed"
    with reading(world.engine) as session:
        found = compare(report(before, "faillock"), report(before), compared.changes(session))
    assert [one.name for one in found.drift] == ["faillock", "cat /etc/pam.d/common-auth"]

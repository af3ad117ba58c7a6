"""Differences: equal runs show no drift, what moved is named, and a change record explains only its own."""

import copy
import json

import pytest

from compliance.differences import Cause, Change, Kind, compare
from compliance.evidence import Answer, Evidence, Status
from compliance.stable import reason, setting

C, K = Cause, Kind


def proof(asked, answer, at="2026-11-20T00:00:00.000000+00:00", where="n"):
    made = Evidence.of(asked, Answer(answer, Status.ANSWERED), at=at, where=where)
    return {made.sha256: made.as_dict()}


def report(start=20, **more):
    at = f"2026-11-{start}T00:00:00.000000+00:00"
    return {
        "started": at,
        "seconds": 10.0,
        "subjects": [{"ref": "host:n"}, {"ref": "controller:box"}],
        "foreign": [],
        "laws": [],
        "checks": [check("c1", "conform"), check("c2", "violated", "端口 0.0.0.0:8080")],
        "findings": [finding("8.1.4.1.a", "conform", "c1"), finding("8.1.4.4.b", "violated", "c2")],
        "evidence": {
            **proof("sshd -T", "maxauthtries 3\nport 22\n", at),
            **proof("chronyc -n tracking", f"offset 0.000{start}\n", at),
        },
        **more,
    }


def check(name, verdict, why="好", subject="host:n"):
    return {"id": name, "subject": subject, "verdict": verdict, "reason": {"zh": why, "en": ""}}


def finding(item, verdict, *checks, machine=None, subject="host:n"):
    held = {"item": item, "subject": subject, "verdict": verdict, "checks": list(checks)}
    return {**held, "machine": machine or verdict}


def change(job="j7", of="host:n", day=20, hour=12):
    return Change(job, of, f"2026-11-{day}T{hour:02}:00:00.000000+00:00")


def after(**more):
    return report(21, **more)


def test_two_runs_of_an_unchanged_box_show_no_drift():
    found = compare(report(), after())
    assert found.found == ()
    assert "无漂移" in found.told.zh


def test_a_true_report_has_no_drift_against_itself_at_another_time(full):
    later = copy.deepcopy(full)
    later["started"] = "2026-12-01T00:00:00.000000+00:00"
    for one in later["evidence"].values():
        one["at"] = later["started"]
    for one in later["checks"]:
        one["seconds"] += 1
    assert compare(full, later).found == ()
    json.dumps(compare(full, later).as_dict())


def test_a_check_that_moved_takes_its_finding_along_and_drift_counts_it_once():
    found = compare(
        report(),
        after(
            checks=[
                check("c1", "violated", "口令为空"),
                check("c2", "violated", "端口 0.0.0.0:8080"),
            ],
            findings=[
                finding("8.1.4.1.a", "violated", "c1"),
                finding("8.1.4.4.b", "violated", "c2"),
            ],
        ),
    )
    assert [(one.kind, one.name, one.cause) for one in found.found] == [
        (K.CHECK, "c1", C.MACHINE),
        (K.FINDING, "8.1.4.1.a", C.MACHINE),
    ]
    assert [one.name for one in found.drift] == ["c1"]
    assert "没有变更记录" in found.told.zh


@pytest.mark.parametrize(
    ("given", "explained"),
    [
        (change(), True),
        (change(of="n"), True),
        (change(of="host:m"), False),
        (change(of="controller:box"), False),
        (change(day=19), False),
        (change(day=21, hour=1), False),
    ],
)
def test_a_change_record_explains_its_own_object_between_the_runs(given, explained):
    moved = after(
        checks=[check("c1", "partial", "x"), check("c2", "violated", "端口 0.0.0.0:8080")]
    )
    [one] = compare(report(), moved, [given]).found
    assert one.explained_by == ("j7" if explained else "")
    assert one.drift is not explained


def test_a_fault_that_became_another_is_a_difference_though_the_verdict_stayed():
    moved = after(checks=[check("c1", "conform"), check("c2", "violated", "端口 0.0.0.0:9090")])
    [one] = compare(report(), moved).drift
    assert "9090" in one.after


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("存储已用 71.5 %", "存储已用 72 %"),
        ("证明于 2026-11-20T10:00:00.000000+00:00", "证明于 2026-11-21T11:30:00+00:00"),
        ("进程 pid 4711", "进程 pid 815"),
        ("甲；乙", "乙；甲"),
        ("距今 3 天", "距今 4 天"),
    ],
)
def test_what_moves_by_itself_in_a_reason_is_no_difference(one, other):
    assert reason(one) == reason(other)


def test_other_things_in_a_reason_are():
    assert reason("端口 22") != reason("端口 23")
    assert reason("账户 a") != reason("账户 a；账户 b")


def test_why_something_conforms_may_be_said_anew():
    moved = after(
        checks=[check("c1", "conform", "12 条连续"), check("c2", "violated", "端口 0.0.0.0:8080")]
    )
    assert compare(report(), moved).found == ()


def test_a_setting_changed_behind_a_verdict_that_stayed_is_drift():
    moved = after(evidence=proof("sshd -T", "port 22\nmaxauthtries 4\n"))
    [one] = compare(report(), moved).drift
    assert (one.kind, one.name, one.subject) == (K.SETTING, "sshd -T", "n")
    assert compare(report(), moved, [change(of="n")]).drift == ()
    same = after(evidence=proof("sshd -T", "port 22\nmaxauthtries 3\n"))
    assert compare(report(), same).found == ()


def test_what_could_not_be_seen_once_is_named_and_is_no_drift():
    moved = after(
        checks=[check("c1", "unknown", "无回答"), check("c2", "violated", "端口 0.0.0.0:8080")],
        findings=[finding("8.1.4.1.a", "unknown", "c1"), finding("8.1.4.4.b", "violated", "c2")],
    )
    found = compare(report(), moved)
    assert {one.cause for one in found.found} == {C.SIGHT}
    assert len(found.found) == 2
    assert found.drift == ()


def test_objects_appear_and_disappear():
    fewer = after(subjects=[{"ref": "host:n"}], foreign=[{"ref": "boundary:fw"}])
    found = {one.subject: one for one in compare(report(), fewer).found}
    assert (found["controller:box"].before, found["controller:box"].after) == ("there", "")
    assert found["controller:box"].drift
    assert found["boundary:fw"].cause is C.PEOPLE
    assert not found["boundary:fw"].drift


def test_another_product_and_people_are_told_from_the_box():
    moved = after(
        checks=[*report()["checks"], check("c3", "violated", "新检查")],
        findings=[
            finding("8.1.4.1.a", "not_applicable", "c1", machine="conform"),
            finding("8.1.4.4.b", "partial", "c2", machine="partial"),
        ],
    )
    found = {(one.kind, one.name): one.cause for one in compare(report(), moved).found}
    assert found == {
        (K.CHECK, "c3"): C.PRODUCT,
        (K.FINDING, "8.1.4.1.a"): C.PEOPLE,
        (K.FINDING, "8.1.4.4.b"): C.PRODUCT,
    }


def test_a_report_of_an_older_form_can_still_be_compared():
    old = report()
    del old["laws"], old["foreign"]
    for one in old["findings"]:
        del one["machine"]
    assert compare(old, after()).drift == ()
    moved = after(
        findings=[finding("8.1.4.1.a", "violated", "c1"), finding("8.1.4.4.b", "violated", "c2")]
    )
    assert [one.cause for one in compare(old, moved).found] == [C.PRODUCT]


RULES = {
    "nftables": [
        {"metainfo": {"version": "1"}},
        {"rule": {"handle": 3, "expr": [{"counter": {"packets": 1, "bytes": 60}}, {"drop": None}]}},
        {
            "set": {
                "name": "seen",
                "elem": [{"elem": {"val": "10.66.0.9", "timeout": 60, "expires": 7}}],
            }
        },
    ]
}


def still(**changes):
    return setting(
        next(iter(proof("nft -j list ruleset", json.dumps({**RULES, **changes})).values()))
    )


def test_rules_are_compared_without_counters_handles_and_what_expires():
    moved = copy.deepcopy(RULES["nftables"])
    moved[1]["rule"]["handle"] = 99
    moved[1]["rule"]["expr"][0]["counter"] = {"packets": 5, "bytes": 900}
    moved[2]["set"]["elem"] = []
    assert still() == still(nftables=moved)
    moved[1]["rule"]["expr"][1] = {"accept": None}
    assert still() != still(nftables=moved)


@pytest.mark.parametrize(
    ("asked", "answer", "compared"),
    [
        ("cat /etc/login.defs", "PASS_MAX_DAYS 90", True),
        ("cvtsudoers -c /dev/null -f json /etc/sudoers", "x", True),
        ("dpkg-query -W -f x", "ii a 1", True),
        ("getent passwd", "root:x:0:0", True),
        ("cat /proc/meminfo", "MemFree 1", False),
        ("ss -H -tuln", "udp 0 0", False),
        ("nft -j list ruleset", "no JSON", False),
    ],
)
def test_only_settings_are_compared_word_for_word(asked, answer, compared):
    [one] = proof(asked, answer).values()
    assert (setting(one) is not None) is compared
    assert setting({**one, "status": "unanswered"}) is None


def test_other_checks_that_say_the_same_otherwise_are_no_drift():
    seen = proof("sshd -T", "maxauthtries 3\n")
    old = {**check("c1", "violated", "甲"), "evidence": list(seen)}
    made = {"evidence": seen, "checks": [old], "tool": {"checks": "a"}}

    def cause(verdict, why, answer, code):
        now = proof("sshd -T", answer)
        new = {**check("c1", verdict, why), "evidence": list(now)}
        found = compare(
            report(**made), after(evidence=now, checks=[new], tool={"checks": code})
        ).found
        return next(one.cause for one in found if one.kind is K.CHECK)

    same, other = "maxauthtries 3\n", "maxauthtries 9\n"
    assert cause("violated", "乙", same, "b") is C.PRODUCT
    assert cause("partial", "乙", same, "b") is C.PRODUCT
    assert cause("partial", "乙", other, "b") is C.MACHINE
    assert cause("violated", "乙", same, "a") is C.MACHINE

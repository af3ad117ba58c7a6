"""What the machine judged is counted from checks and findings alone, and counting changes nothing."""

import copy

from compliance.judged import OPEN, acute, count
from compliance.model import VERDICT_TEXT

TEXT = {"zh": "主机", "en": "host"}


def finding(item, subject, verdict, *checks):
    return {"item": item, "subject": subject, "verdict": verdict, "checks": list(checks)}


def check(subject, verdict):
    return {"subject": subject, "verdict": verdict}


REPORT = {
    "subjects": [
        {"ref": "host:n1", "kind": "host", "title": TEXT},
        {"ref": "controller:box", "kind": "controller", "title": TEXT},
    ],
    "layers": [{"id": "8.1.1"}, {"id": "8.1.4"}, {"id": "8.1.10"}],
    "items": [
        {"id": "8.1.4.1.a", "layer": "8.1.4", "high_risk": ""},
        {"id": "8.1.4.1.b", "layer": "8.1.4", "high_risk": "6.2"},
        {"id": "8.1.10.1.a", "layer": "8.1.10", "high_risk": ""},
        {"id": "8.1.1.1.a", "layer": "8.1.1", "high_risk": ""},
    ],
    "checks": [
        check("host:n1", "conform"),
        check("host:n1", "conform"),
        check("host:n1", "violated"),
        check("controller:box", "unknown"),
    ],
    "findings": [
        finding("8.1.4.1.a", "controller:box", "unknown", "c4"),
        finding("8.1.4.1.a", "host:n1", "conform", "c1"),
        finding("8.1.4.1.a", "db:box", "pending"),
        finding("8.1.10.1.a", "host:n1", "violated", "c3"),
        finding("8.1.4.1.b", "host:n1", "violated", "c3"),
        finding("8.1.4.1.b", "controller:box", "pending", "c4"),
        finding("8.1.4.1.b", "person:site", "pending"),
        finding("8.1.1.1.a", "person:site", "pending"),
    ],
}


def counts(**given):
    return {**dict.fromkeys(map(str, VERDICT_TEXT), 0), **given}


def test_objects_nobody_looked_at_are_not_among_what_the_machine_judged():
    host, controller = count(REPORT)["objects"]
    assert host["checks"] == counts(conform=2, violated=1)
    assert host["findings"] == counts(conform=1, violated=2)
    assert controller["checks"] == counts(unknown=1)
    assert controller["findings"] == counts(unknown=1, pending=1)


def test_a_layer_says_how_many_of_its_items_a_check_looked_at():
    layers = {one["id"]: one for one in count(REPORT)["layers"]}
    assert layers["8.1.4"]["findings"] == counts(conform=1, violated=1, unknown=1, pending=1)
    assert (layers["8.1.4"]["items"], layers["8.1.4"]["asked"]) == (2, 2)
    assert (layers["8.1.1"]["items"], layers["8.1.1"]["asked"]) == (1, 0)
    assert layers["8.1.10"]["findings"] == counts(violated=1)


def test_what_must_be_acted_on_comes_worst_and_riskiest_first():
    assert [(one["item"], one["verdict"]) for one in acute(REPORT)] == [
        ("8.1.4.1.b", "violated"),
        ("8.1.10.1.a", "violated"),
        ("8.1.4.1.a", "unknown"),
    ]


def test_counting_changes_no_verdict():
    before = copy.deepcopy(REPORT)
    count(REPORT)
    acute(REPORT)
    assert before == REPORT


def test_a_true_report_loses_no_check_and_no_finding(plain):
    judged = plain["summary"]["judged"]
    assert judged == count(plain)
    of_checks = [sum(one["checks"].values()) for one in judged["objects"]]
    assert sum(of_checks) == len(plain["checks"])
    asked = sum(bool(one["checks"]) for one in plain["findings"])
    for part in ("objects", "layers"):
        assert sum(sum(one["findings"].values()) for one in judged[part]) == asked
    assert sum(one["items"] for one in judged["layers"]) == len(plain["items"])
    assert [one["verdict"] in OPEN for one in acute(plain)] == [True] * len(acute(plain))

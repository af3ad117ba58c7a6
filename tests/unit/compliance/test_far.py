"""Other nodes: what they answer is used, and one that is away, slow, cut off, wrong or hostile is never believed."""

import datetime as dt
import json
import stat
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import clock
from appliance.host import Heard, LocalHost
from compliance import answer, engine, far, report
from compliance.checks.asked import CONTAINER, PASSWD, SOCKETS
from compliance.evidence import Answer, Evidence, Status
from compliance.model import Kind, Subject, Verdict
from compliance.questions import sql
from compliance.run import Means, Order, run
from compliance.verify import check_content

N2 = far.Node("n2", "127.0.0.1")
KINDS = (Kind.HYPERVISOR,)


def line(question, said, **about):
    at, where = about.get("at", clock.iso()), about.get("where", "n2")
    made = Evidence.of(question.asked, Answer(said, Status.ANSWERED), at=at, where=where)
    return {**made.as_dict(), **about.get("with_", {})}


def head(**about):
    return {"format": answer.FORMAT, "node": "n2", "at": clock.iso(), **about}


def heard(*lines, **about):
    out = "".join(json.dumps(one) + "\n" for one in lines).encode()
    return Heard(**{"code": 0, "out": out, "err": b"", **about})


def read(*lines, **about):
    return far.read(heard(*lines, **about), "n2", clock.now() - dt.timedelta(seconds=5))


def test_what_a_node_answers_is_its_evidence():
    got = read(head(), line(PASSWD, "root:x"), {"end": 1})
    assert got.why == ""
    assert got(PASSWD).out == "root:x"
    assert got(PASSWD).where == "n2"
    silent = got(SOCKETS)
    assert silent.status is Status.UNANSWERED
    assert silent.where == "n2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": "n1"},
        {"at": "2020-01-01T00:00:00+00:00"},
        {"at": "yesterday"},
        {"with_": {"answer": "altered"}},
        {"with_": {"status": "conform"}},
        {"with_": {"exit": 10**30}},
        {"with_": {"answer": "\ud800"}},
        {"with_": {"answer": ["x"]}},
        {"with_": {"sha256": None}},
    ],
    ids=str,
)
def test_evidence_of_another_node_or_time_or_altered_is_none(wrong):
    got = read(head(), line(PASSWD, "root:x", **wrong), {"end": 1})
    assert got(PASSWD).status is Status.UNANSWERED


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ({"hello": 1}, "not an inspector's"),
        (head(node="n3"), "another node"),
        (head(at=clock.iso(clock.now() + dt.timedelta(hours=3))), "clock is wrong"),
        (head(at=clock.iso(clock.now() - dt.timedelta(hours=3))), "clock is wrong"),
        (head(at=None), "clock is wrong"),
        (head(at="2026-11-22T10:00:00"), "clock is wrong"),
        (head(at="\ud800"), "clock is wrong"),
        (head(at=json.loads("[" * 400 + "]" * 400)), "clock is wrong"),
    ],
)
def test_of_a_stranger_or_a_wrong_clock_nothing_is_believed(first, why):
    got = read(first, line(PASSWD, "root:x"), {"end": 1})
    assert why in got.why
    assert why in got(PASSWD).answer


def test_what_came_before_the_line_broke_counts_and_the_rest_says_why():
    got = read(head(), line(PASSWD, "root:x"), late=True)
    assert got(PASSWD).there
    assert "in time" in got(SOCKETS).answer
    broken = read(head(), line(PASSWD, "root:x"), code=255, err=b"Connection reset\n")
    assert "Connection reset" in broken(SOCKETS).answer
    assert "bytes" in read(head(), cut=True)(SOCKETS).answer


def test_a_node_speaks_once_of_each_question_and_not_after_its_end():
    twice = read(head(), line(PASSWD, "first"), line(PASSWD, "second"), {"end": 1})
    assert twice(PASSWD).out == "first"
    after = read(head(), {"end": 0}, line(PASSWD, "late"))
    assert not after(PASSWD).there


@given(st.binary(max_size=4000))
def test_any_bytes_are_read_without_an_error_and_believed_in_nothing(out):
    for raw in (out, json.dumps(head()).encode() + b"\n" + out):
        got = far.read(Heard(0, raw, b""), "n2", clock.now())
        assert got(PASSWD).status is Status.UNANSWERED


def test_nesting_and_long_lines_are_read_in_bounded_time():
    deep = b'{"a":' * 300_000
    raw = json.dumps(head()).encode() + b"\n" + deep + b"\n" + b"A" * 10_000_000 + b"\n"
    began = time.monotonic()
    assert not far.read(Heard(0, raw, b""), "n2", clock.now())(PASSWD).there
    assert time.monotonic() - began < 5


def program(tmp_path, text):
    """A stand-in for the SSH client, since what is tested is what comes out of it."""
    path = tmp_path / "ssh"
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return far.Line(tmp_path / "key", tmp_path / "known", (str(path),))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("time.sleep(60)", "in time"),
        ("print('x'); sys.stdout.flush(); time.sleep(60)", "not an inspector's"),
        ("os.write(2, b'No route to host'); sys.exit(255)", "No route"),
        ("[os.write(1, b'A' * 65536) for _ in range(2000)]", "not an inspector's"),
        (
            "os.fork(); os.setsid() if os.getpid() != os.getpgid(0) else 0; time.sleep(60)",
            "in time",
        ),
    ],
    ids=["hangs", "babbles", "away", "floods", "forks"],
)
def test_a_node_costs_its_time_and_no_more(tmp_path, text, why):
    began = time.monotonic()
    got = far.ask(N2, program(tmp_path, text), patience=1.0)
    assert time.monotonic() - began < 8
    assert why in got.why
    assert not got.by_question


def test_no_program_is_no_answer(tmp_path):
    assert "not reached" in far.ask(N2, far.Line(tmp_path, tmp_path, ("no-such-ssh",))).why


def test_nodes_are_asked_at_once_and_the_records_at_home():
    together = threading.Barrier(3, timeout=10)

    def ask(node, _line):
        together.wait()
        return far.Answers(
            node.name,
            {
                PASSWD.asked: Evidence.of(
                    PASSWD.asked, Answer(node.name, Status.ANSWERED), at="", where=""
                )
            },
        )

    nodes = [far.Node(f"n{number}", "10.0.0.1") for number in (2, 3, 4)]
    asks = far.gather(nodes, None, lambda question: f"home {question.asked}", ask)
    assert [asks[node.name](PASSWD).out for node in nodes] == ["n2", "n3", "n4"]
    assert asks["n2"](sql("SELECT 1")).startswith("home ")


def test_the_list_of_nodes_is_read_strictly(tmp_path):
    file = tmp_path / "nodes.json"
    file.write_text('[{"name": "n2", "address": "10.0.0.2"}, {"name": "n3", "address": "fd00::3"}]')
    assert [node.name for node in far.load(file)] == ["n2", "n3"]
    for bad in (
        '[{"name": "-oProxyCommand=x", "address": "10.0.0.2"}]',
        '[{"name": "n", "address": "-x"}]',
    ):
        file.write_text(bad)
        with pytest.raises(ValueError, match=r"-oProxy|-x"):
            far.load(file)


def test_our_words_to_ssh_accept_no_stranger_and_ask_for_nothing(tmp_path):
    said = far.argv(N2, far.Line(tmp_path / "k", tmp_path / "h"))
    assert said[-4:] == ["-l", "hbox-inspect", "--", "127.0.0.1"]
    assert "StrictHostKeyChecking=yes" in said
    assert "BatchMode=yes" in said


@pytest.fixture(scope="module")
def three(requirements):
    """A run over this machine, a node that answers as it does, and one that is away."""

    def others(home):
        away = far.Answers("n3", why="节点未应答 the node is away")
        return {"n2": home, "n3": away}

    order = Order("示范医院", "n1", KINDS, ("n2", "n3"))
    return run(LocalHost(), requirements, order, means=Means(others=others))


def test_every_node_has_its_objects_and_one_that_is_away_is_unknown_with_the_reason(three):
    assert [one.ref for one in three.subjects] == [
        "hypervisor:n1",
        "hypervisor:n2",
        "hypervisor:n3",
    ]
    away = [one for one in three.outcomes if one.subject.name == "n3"]
    here = [one for one in three.outcomes if one.subject.name == "n1"]
    assert [one.check for one in away] == [one.check for one in here]
    assert {one.verdict for one in away} == {Verdict.UNKNOWN}
    assert all("the node is away" in one.judgement.reason.en for one in away)
    assert not any("This node is a container" in one.judgement.reason.en for one in away)


def test_the_report_of_many_is_whole_and_as_good_as_its_worst_object(three):
    made = report.build(three)
    check_content(made)
    assert {one["ref"] for one in made["subjects"]} == {one.ref for one in three.subjects}
    of_n3 = [one for one in made["findings"] if one["subject"] == "hypervisor:n3" and one["checks"]]
    assert of_n3
    assert {one["verdict"] for one in of_n3} == {"unknown"}
    held = {one["id"]: one["verdict"] for one in made["items"]}
    assert all(held[one["item"]] in ("unknown", "partial", "violated") for one in of_n3)


def test_a_kernel_check_of_a_silent_node_does_not_say_that_it_is_a_container():
    bound = next(one for one in answer.CHECKS if one.kernel_bound)
    silent = far.Answers("n2", why="away")
    outcome = engine.examine(silent, bound, Subject(bound.kind, "n2"))
    assert outcome.verdict is Verdict.UNKNOWN
    assert "away" in outcome.judgement.reason.en


def test_a_node_is_asked_what_the_table_asks_and_nothing_of_the_records():
    asked = answer.questions(container=True)
    assert CONTAINER in asked
    assert not any("compliance.records" in one.asked for one in asked)
    assert len(answer.questions(container=False)) > len(asked) > 30

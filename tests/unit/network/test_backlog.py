"""The replay window: what came within its hours is known again, what came before is not."""

import datetime as dt
from dataclasses import replace

from network.gateway.backlog import Backlog
from network.gateway.journal import Written
from network.gateway.records import Facts, Record
from network.gateway.segments import Place
from tests.unit.network.guarded import Guard, answers, book, code, deliveries, result
from tests.unit.network.test_policy import STORE


def ask(guard, ident, key="k", status="a"):
    out = guard.take("extranet", book(ident, key=key, status=status))
    for call in deliveries(out):
        guard.take("intranet", result(call))
    return answers(out)[0]


def test_a_message_sent_again_has_one_effect_within_the_window(tmp_path):
    guard = Guard(tmp_path, replace(STORE, replay_hours=2))
    first = ask(guard, 1)
    guard.start()
    guard.ahead = dt.timedelta(hours=1, minutes=59)
    assert ask(guard, 2).body == first.body
    assert guard.events.count("delivered") == 1
    guard.ahead = dt.timedelta(hours=2, minutes=1)
    assert ask(guard, 3).body != first.body
    assert guard.events.count("delivered") == 2


def test_another_body_under_the_same_key_is_refused(tmp_path):
    guard = Guard(tmp_path, STORE)
    ask(guard, 1)
    said = ask(guard, 2, status="b")
    assert (said.status, code(said)) == (409, "gateway.key_reused")


def test_another_policy_may_cut_the_same_message_differently(tmp_path):
    guard = Guard(tmp_path, STORE)
    first = ask(guard, 1)
    changed = replace(STORE, request=(replace(STORE.request[0], longest=100),))
    guard.issue(changed, version=2)
    guard.start()
    assert ask(guard, 2, status="b").body == first.body  # one key, one effect: whatever was cut


def test_keys_are_each_senders_own(tmp_path):
    other = replace(STORE, id="other", peer="10.88.0.11", target="http://10.66.0.11:8080")
    guard = Guard(tmp_path, STORE, other)
    first = ask(guard, 1)
    out = guard.take("extranet", book(2, key="k", status="b", peer="10.88.0.11"))
    assert answers(out)[0].status == 202
    assert answers(out)[0].body != first.body


def test_the_window_is_bounded_and_forgets_the_oldest():
    backlog = Backlog({"c": 1}, window=10)
    now = dt.datetime.now(dt.UTC)
    for number in range(25):
        facts = Facts(event="accepted", channel="c", delivery=f"d{number}", key=f"k{number}",
                      peer="p", at=(now + dt.timedelta(seconds=number)).isoformat(timespec="microseconds"))  # fmt: skip
        record = Record(number, facts, b"", b"", b"", 0, 0, b"")
        backlog.replay(Written(record, Place("f", 0, 0, number, b"", None)))
    assert len(backlog._keys["c"]) == 10
    assert backlog.known("c", "p", "k14") is None
    assert backlog.known("c", "p", "k15").delivery == "d15"
    assert backlog.known("c", "p", "k24").delivery == "d24"

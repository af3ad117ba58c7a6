"""The dry run tells what a changed policy would do to what crossed before, record by record."""

from dataclasses import replace

import orjson
import pytest

from appliance.errors import BoxError
from network.gateway.inspect import Field
from network.gateway.policy import Loaded, Policy, check
from network.gateway.records import Facts
from network.gateway.rehearsal import EXAMPLES, Kept, rehearse
from network.gateway.text import parse
from network.gateway.widening import widened

TEXT = """\
id = "lab"
purpose = "检验报告"
data_class = "3"
direction = "intranet->extranet"
lane = "store"
peer = "10.66.0.20"
target = "http://10.88.0.10:8080"
method = "POST"
path = "/fhir/Observation"
resource = "Observation"
request = [
  { path = "resourceType", type = "code", required = true, values = ["Observation"] },
  { path = "id", type = "id", required = true },
  { path = "note[].text", type = "string", longest = 40 },
]
"""
NOW = parse(TEXT, "sam", "sue")
READ = replace(
    NOW, id="read", lane="request", method="GET", path="/fhir/Slot", resource="", request=(),
    response=(Field("resourceType", "code"), Field("total", "integer")),
)  # fmt: skip


def loaded(*channels) -> Loaded:
    made = Policy(1, "now", channels)
    return Loaded(made, "digest", check(made))


def body(ident="a1", text="一般 ok") -> bytes:
    return orjson.dumps({"resourceType": "Observation", "id": ident, "note": [{"text": text}]})


def kept(number, told=None, **facts) -> Kept:
    given = {
        "event": "accepted", "at": f"2026-11-21T08:{number // 60:02}:{number % 60:02}+00:00",
        "channel": "lab", "side": "intranet", "peer": "10.66.0.20", "method": "POST",
        "target": "/fhir/Observation", "delivery": f"d{number}",
    }  # fmt: skip
    return Kept(number, Facts(**(given | facts)), body() if told is None else told)


def run(records, now, then):
    return {t.channel: t for t in rehearse(records, now, then, lambda _count: None)}


def test_the_same_policy_makes_no_difference():
    (tally,) = run([kept(n, dropped=2) for n in range(20)], loaded(NOW), loaded(NOW)).values()
    assert (tally.messages, tally.same, tally.left, tally.examples) == (20, 20, 40, [])


def test_a_field_taken_away_is_counted():
    then = replace(NOW, request=NOW.request[:2])
    tally = run([kept(n) for n in range(9)], loaded(NOW), loaded(then))["lab"]
    # `note` and its `text`: two keys of the message stay behind
    assert (tally.fewer, tally.fields, tally.same) == (9, 18, 0)
    assert len(tally.examples) == EXAMPLES
    assert tally.examples[0].what == "fewer"


def test_a_stricter_field_refuses_and_names_rule_and_place_but_no_value():
    then = replace(NOW, request=(*NOW.request[:2], replace(NOW.request[2], longest=3)))
    found = run([kept(1, body(text="张三的报告"))], loaded(NOW), loaded(then))["lab"]
    assert found.refused == {"gateway.body_refused": 1}
    (example,) = found.examples
    assert (example.number, example.rule) == (1, "gateway.body_refused")
    assert "note" in example.path
    assert "张三" not in repr(found)


def test_a_mask_changes_content():
    then = replace(NOW, request=(*NOW.request[:2], replace(NOW.request[2], mask="name")))
    tally = run([kept(1, body(text="张三丰"))], loaded(NOW), loaded(then))["lab"]
    assert (tally.changed, tally.same, tally.refused) == (1, 0, {})


def test_a_channel_taken_away_refuses_all():
    tally = run([kept(1), kept(2)], loaded(NOW), loaded())["lab"]
    assert tally.refused == {"gateway.no_channel": 2}


def test_rate_hours_and_quota_run_by_the_records_own_time():
    many = [kept(n) for n in range(60)]
    slow = run(many, loaded(NOW), loaded(replace(NOW, rate=6)))["lab"]
    assert 40 <= slow.refused["gateway.too_fast"] <= 58
    few = run(many, loaded(NOW), loaded(replace(NOW, quota=10)))["lab"]
    assert (few.same, sum(few.refused.values())) == (10, 50)
    spread = [kept(n, at=f"2026-11-21T{n:02}:00:00+00:00") for n in range(24)]
    assert run(spread, loaded(NOW), loaded(replace(NOW, rate=6)))["lab"].same == 24


def test_what_was_refused_at_the_door_and_would_find_one():
    refused = kept(
        1, b"", event="refused", rule="gateway.no_channel", channel="", count=7,
        target="/fhir/Condition",
    )  # fmt: skip
    then = replace(NOW, id="more", path="/fhir/Condition")
    assert run([refused], loaded(NOW), loaded(NOW)) == {}
    tally = run([refused], loaded(NOW), loaded(NOW, then))["more"]
    assert (tally.reached, tally.messages) == (7, 7)
    inside = replace(refused, facts=replace(refused.facts, rule="gateway.body_refused"))
    assert run([inside], loaded(NOW), loaded(NOW, then)) == {}


def test_an_answer_is_held_against_the_response():
    request = kept(
        1, b"", event="request", method="GET", target="/fhir/Slot", channel="read", peer=READ.peer
    )
    told = orjson.dumps({"resourceType": "Bundle", "total": 3})
    answer = kept(2, told, event="answer", channel="read", delivery="d1", status=200)
    then = replace(READ, response=READ.response[:1])
    tally = run([request, answer], loaded(READ), loaded(then))["read"]
    assert (tally.messages, tally.same, tally.fewer, tally.fields) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"bulk": True}, "批量导出"),
        ({"peer": "10.66.0.21"}, "发送方改变"),
        ({"target": "http://10.88.0.11:8080"}, "接收方改变"),
        ({"request": (*NOW.request, Field("status", "code"))}, "新增字段：request status"),
        ({"request": (replace(NOW.request[0], values=()), *NOW.request[1:])}, "取值放宽"),
        ({"request": (*NOW.request[:2], replace(NOW.request[2], longest=99))}, "加长"),
        ({"request": (*NOW.request[:2], replace(NOW.request[2], carries=("phone",)))}, "个人号码"),
        ({"leak": "report"}, "个人号码的处置放宽"),
        ({"rate": 99999}, "速率提高"),
        ({"data_class": "1"}, "数据级别降低"),
        ({"retention_days": 1}, "留存天数缩短"),
        ({"replay_hours": 1}, "防重放时间缩短"),
        ({"media": ("pdf",)}, "新增文件类型"),
    ],
)
def test_what_opens_further_is_told(changed, said):
    texts = widened(NOW, replace(NOW, **changed))
    assert any(said in text.zh for text in texts), texts
    assert all(text.en for text in texts)


def test_what_closes_is_not_told_as_opening():
    before = replace(
        NOW, tls="sm", target_tls="tls", quota=10, bulk=True, leak="report", client_cert="a" * 64
    )
    texts = widened(before, replace(before, quota=5, bulk=False, leak="refuse", rate=1))
    assert texts == ()
    opened = widened(before, replace(NOW, quota=0))
    assert {t.zh for t in opened} >= {"取消加密：tls", "取消加密：target_tls", "每日配额取消或提高"}
    assert any("证书" in t.zh for t in opened)


def test_a_dry_run_needs_a_lawful_policy():
    with pytest.raises((ValueError, BoxError)):
        loaded(NOW, replace(NOW, id="two"))

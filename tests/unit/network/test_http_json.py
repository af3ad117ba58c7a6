"""JSON over HTTP: one exact path, the fields of the channel, and what becomes of personal numbers."""

import json
from dataclasses import replace

import pytest

from network.gateway.channel import Channel
from network.gateway.frames import Frame, Kind
from network.gateway.inspect import Field
from network.gateway.protocols.http_json import HttpJson
from network.gateway.refusals import BodyRefused, FarSideFailed, QueryRefused

ID, PHONE, CARD = "11010519491231002X", "13800138000", "6222021234567890128"
HOOK = Channel(
    "hook", "extranet->intranet", "request", "10.88.0.10", "http://10.66.0.10:8080", "personal", "test", "sec",
    method="POST", path="/hook", query=("q",), leak="report",
    request=(Field("note", "string"), Field("person.id", "string", carries=("id-card",)),
             Field("person.tel[]", "string", mask="phone"), Field("amount", "decimal"), Field("file", "base64Binary", longest=4096)),
    response=(Field("state", "code", values=("ok", "no")),),
)  # fmt: skip
READ = replace(HOOK, id="read", method="GET", path="/state", request=())


def ask(channel, body=b"", target=None):
    plan = HttpJson().plan(channel)
    told = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plan.ask(
        Frame(Kind.ASK, 1, channel.method, target or channel.path, channel.peer, key="k", body=told)
    )


def test_a_message_is_made_anew_from_its_fields():
    crossing = ask(
        HOOK,
        b'{"amount": 1.00, "other": {"x": 1}, "note": "a", "person": {"id": "1"}}',
        "/hook?q=%41",
    )
    assert crossing.body == b'{"note":"a","person":{"id":"1"},"amount":1.00}'
    assert (crossing.target, crossing.kind, crossing.key, crossing.dropped) == (
        "/hook?q=A",
        "POST /hook",
        "k",
        2,
    )


@pytest.mark.parametrize("target", ["/hook/", "/Hook", "/hook/x", "/hook%2f", "/"])
def test_another_path_is_not_meant(target):
    plan = HttpJson().plan(HOOK)
    assert not plan.match(Frame(Kind.ASK, 1, "POST", target))
    assert not plan.match(Frame(Kind.ASK, 1, "GET", "/hook"))
    assert plan.match(Frame(Kind.ASK, 1, "POST", "/hook?q=1"))


def test_a_mask_is_applied_and_counted():
    crossing = ask(HOOK, {"person": {"tel": [PHONE, "x"]}})
    assert json.loads(crossing.body) == {"person": {"tel": ["138****8000", "*"]}}
    assert (crossing.masked, crossing.found) == (2, "")


@pytest.mark.parametrize(
    ("note", "found"),
    [
        (f"李四 {ID}", "id-card:1"), (f"tel {PHONE}, {CARD}", "bank-card:1,phone:1"), ("１３８００１３８０００", "phone:1"),
        ("138-0013-8000", "phone:1"), ("138\u200b0013\u200b8000", "phone:1"), ("2026-11-30 09:00", ""), ("1380013800", ""),
    ],
)  # fmt: skip
def test_a_personal_number_where_none_is_declared_is_found(note, found):
    told = {"note": note, "person": {"id": ID}}
    crossing = ask(HOOK, json.dumps(told, ensure_ascii=True).encode())
    assert crossing.found == found
    assert json.loads(crossing.body) == told


def test_it_is_masked_where_the_channel_says_so():
    channel = replace(HOOK, leak="mask")
    crossing = ask(channel, {"note": f"李四 {ID} {PHONE}", "person": {"id": ID}})
    assert json.loads(crossing.body) == {
        "note": f"李四 110105{'*' * 12} 138****8000",
        "person": {"id": ID},
    }
    assert (crossing.found, crossing.masked) == ("id-card:1,phone:1", 1)
    assert HttpJson().plan(channel).again(crossing.body) == crossing.body
    for body in (b'{"amount": 13800138000}', {"file": "MTM4MDAxMzgwMDA="}):
        assert ask(HOOK, body).found == "phone:1"
        with pytest.raises(BodyRefused):
            ask(channel, body)


def test_a_number_that_is_dropped_is_not_found():
    assert ask(HOOK, {"other": ID}).found == ""


def test_markup_is_made_harmless():
    crossing = ask(HOOK, {"note": "<script>alert(1)</script> p < 0.05"})
    assert json.loads(crossing.body)["note"] == "＜script>alert(1)＜/script> p < 0.05"
    assert crossing.inert == 1


def test_a_file_in_a_field_is_handed_to_the_scanner():
    assert ask(HOOK, {"file": "iVBORw0K"}).attachments == (b"\x89PNG\r\n",)
    with pytest.raises(BodyRefused):
        ask(HOOK, {"file": "iVBORw0"})


def test_a_read_has_a_query_and_no_body():
    crossing = ask(READ, target=f"/state?q={ID}")
    assert (crossing.method, crossing.target, crossing.body, crossing.found) == (
        "GET",
        f"/state?q={ID}",
        b"",
        "id-card:1",
    )
    carries = replace(READ, response=(*READ.response, Field("id", "string", carries=("id-card",))))
    assert ask(carries, target=f"/state?q={ID}").found == ""
    with pytest.raises(BodyRefused):
        ask(READ, b"{}")
    with pytest.raises(QueryRefused):
        ask(READ, target="/state?x=1")


def test_an_answer_keeps_its_fields():
    plan = HttpJson().plan(READ)
    asked = ask(READ)
    crossing = plan.answer(
        asked, Frame(Kind.RESULT, 1, status=200, body=b'{"state":"ok","trace":"x"}')
    )
    assert (crossing.body, crossing.dropped, crossing.kind) == (
        b'{"state":"ok"}',
        1,
        "answer to GET /state",
    )
    with pytest.raises(FarSideFailed):
        plan.answer(asked, Frame(Kind.RESULT, 1, status=500))
    with pytest.raises(BodyRefused):
        plan.answer(asked, Frame(Kind.RESULT, 1, status=200, body=b'{"state":"maybe"}'))


def test_a_stored_message_goes_where_it_was_asked():
    plan = HttpJson().plan(replace(HOOK, lane="store", response=()))
    call = plan.call(b'{"note":"a"}')
    assert (call.body, call.method, call.target) == (b'{"note":"a"}', "POST", "/hook")
    assert plan.again(b'{"note":"a","old":1}') == b'{"note":"a"}'


@pytest.mark.parametrize(
    "fields",
    [
        (Field("a", "string", mask="nobody"),), (Field("a", "integer", mask="phone"),), (Field("a", "date", mask="phone"),),
        (Field("a", "string", mask="birth-year"),), (Field("a", "string", carries=("car",)),), (Field("a", "code", mask="all"),),
    ],
)  # fmt: skip
def test_a_mask_must_fit_its_field(fields):
    with pytest.raises(ValueError, match="a has not"):
        HttpJson().plan(replace(HOOK, request=fields))

"""Supervision over the API: search, alerts, exports, looks for the asker alone, reports; by role."""

import base64
import json
from urllib.parse import quote

import pytest

from appliance import clock
from appliance.onetime import Opener, seal
from controller.records.exchange import Alert, GatewayReport, Transfer
from controller.records.session import reading, transaction
from controller.records.tables import AuditEntry, Job

REASON = "核查投诉编号 17"


@pytest.fixture(scope="module")
def filled(site):
    with transaction(site.controller.engine) as session:
        session.add_all(_transfer(n) for n in range(1, 9))
        session.add(
            Alert(
                id="aaaaaaaa-0000-4000-8000-000000000001", rule="dead_letter", subject="booking",
                tone="bad", facts={"number": 3}, opened_at=clock.iso(), seen_at=clock.iso(),
            )
        )  # fmt: skip
        session.add(
            Alert(
                id="aaaaaaaa-0000-4000-8000-000000000002", rule="silent", subject="old", tone="warn",
                facts={}, opened_at="2026", seen_at="2026", closed_at="2026",
            )
        )  # fmt: skip
        session.add(
            GatewayReport(day="2026-11-20", at=clock.iso(), digest="d", summary={"passed": 1})
        )
    folder = site.controller.settings.state / "reports" / "gateway"
    folder.mkdir()
    (folder / "2026-11-20.html").write_text("<p>日报</p>")
    return site


def _transfer(number):
    dead = number == 8
    return Transfer(
        number=number, at=f"2026-11-22T0{number}:00:00.000000+00:00",
        channel="booking" if number % 2 else "slot-read", direction="extranet->intranet",
        lane="store", verdict="refused" if number == 7 else "allowed",
        rule="gateway.no_channel" if number == 7 else "", data_class="3",
        peer=f"10.88.0.{10 + number % 2}", size=10, state="dead" if dead else "delivered",
        latency_ms=float(number * 10), hash="h", kind="SIU^S12", delivery=f"d{number}",
        note="100% =lost" if number == 7 else "", found="phone:1" if number == 6 else "",
    )  # fmt: skip


@pytest.fixture(scope="module")
def people(filled):
    return {name: filled.administrator(f"{name}admin") for name in ("sys", "sec", "aud")}


def numbers(answer):
    assert answer.status == 200, answer.data
    return [one["number"] for one in answer.json["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("channel=booking", [7, 5, 3, 1]),
        ("who=10.88.0.10", [8, 6, 4, 2]),
        ("state=dead", [8]),
        ("rule=gateway.no_channel", [7]),
        ("slower=60", [8, 7]),
        ("personal=true", [6]),
        (f"text={quote('100% =')}", [7]),
        ("text=_", [7]),
        ("text=%25l", []),
        (f"since={quote('2026-11-22T03:00:00.000000+00:00')}&until=2026-11-22T05", [4, 3]),
        ("direction=extranet-%3Eintranet&kind=SIU%5ES12&limit=2", [8, 7]),
        ("delivery=d4", [4]),
        ("data_class=4", []),
    ],
)
def test_a_search_finds_what_is_asked_and_nothing_else(people, query, found):
    assert numbers(people["sys"].get(f"/gateway/transfers?{query}")) == found


def test_a_search_goes_on_where_it_stopped(people):
    first = people["aud"].get("/gateway/transfers?limit=5")
    assert numbers(first) == [8, 7, 6, 5, 4]
    assert numbers(people["aud"].get(f"/gateway/transfers?before={first.json['next']}")) == [
        3,
        2,
        1,
    ]


@pytest.mark.parametrize(
    "query", ["slower=x", "direction=up", "nothing=1", "limit=0", "who=" + "x" * 65]
)
def test_a_search_that_makes_no_sense_is_refused(people, query):
    assert people["sys"].get(f"/gateway/transfers?{query}").status == 400


def test_one_transfer_says_all_that_is_known(people):
    shown = people["sys"].get("/gateway/transfers/6").json
    assert (shown["found"], shown["kind"], shown["latency_ms"]) == ("phone:1", "SIU^S12", 60.0)
    for number in ("99", "x", "9" * 30):
        assert people["sys"].get(f"/gateway/transfers/{number}").status == 404


def test_alerts_say_what_is_wrong_why_and_what_to_do(people):
    [one] = people["sys"].get("/gateway/alerts").json["items"]
    assert one["what"]["zh"] == "通道 booking 有 3 条消息无法送达"
    assert one["why"]["en"]
    assert one["remedy"]["en"]
    assert len(people["sys"].get("/gateway/alerts?all=true").json["items"]) == 2
    assert people["aud"].post(f"/gateway/alerts/{one['id']}/ack").status == 202
    assert people["aud"].post("/gateway/alerts/nonsense/ack").status == 404
    missing = "aaaaaaaa-0000-4000-8000-000000000009"
    assert people["aud"].post(f"/gateway/alerts/{missing}/ack").status == 404


def test_who_may_export_and_what(filled, people):
    assert people["sys"].post("/gateway/exports", {}).status == 403
    job = people["aud"].post("/gateway/exports", {"channel": "booking", "slower": 20}).json
    with reading(filled.controller.engine) as session:
        row = session.get(Job, job["id"])
        assert json.loads(row.action["wanted"]) == {"channel": "booking", "slower": 20.0}
    assert people["aud"].post("/gateway/exports", {"limit": 5}).status == 400
    assert people["aud"].get(f"/gateway/exports/{job['id']}?form=csv").status == 404
    folder = filled.controller.settings.state / "reports" / "exports"
    folder.mkdir()
    (folder / f"{job['id']}.csv").write_text("编号")
    got = people["aud"].get(f"/gateway/exports/{job['id']}?form=csv")
    assert got.data.decode() == "编号"
    assert got.headers["content-disposition"].startswith("attachment")
    assert people["sys"].get(f"/gateway/exports/{job['id']}?form=csv").status == 403
    for name in ("..%2f..%2fkeys", "x"):
        assert people["aud"].get(f"/gateway/exports/{name}?form=csv").status == 404


def test_a_look_is_audited_with_its_reason_and_given_to_its_asker_alone(filled, people):
    opener = Opener()
    asked = {"reason": REASON, "public_key": opener.public, "clear": True}
    assert people["sys"].post("/gateway/transfers/1/look", asked).status == 403
    assert people["sec"].post("/gateway/transfers/1/look", asked | {"reason": "x"}).status == 400
    assert people["sec"].post("/gateway/transfers/7/look", asked).status == 409, "it was refused"
    job = people["sec"].post("/gateway/transfers/1/look", asked).json
    with reading(filled.controller.engine) as session:
        entry = session.query(AuditEntry).filter_by(act="gateway.look").one()
    told = json.loads(entry.detail)
    assert (entry.actor, entry.object) == ("secadmin", "transfer/1")
    assert (told["reason"], told["clear"], told["part"]) == (REASON, True, "message")
    assert people["sec"].get(f"/gateway/looks/{job['id']}").status == 503
    folder = filled.controller.settings.state / "looks"
    folder.mkdir()
    purpose = f"hbox gateway look {job['id']}"
    (folder / f"{job['id']}.sealed").write_bytes(seal(opener.public, b"body", purpose))
    assert people["aud"].get(f"/gateway/looks/{job['id']}").status == 403
    got = people["sec"].get(f"/gateway/looks/{job['id']}").json
    assert opener.open(base64.b64decode(got["sealed"]), got["purpose"]) == b"body"


def test_daily_reports_are_listed_made_and_handed_out(people):
    [one] = people["aud"].get("/gateway/reports").json["items"]
    assert (one["day"], one["summary"]) == ("2026-11-20", {"passed": 1})
    got = people["aud"].get("/gateway/reports/2026-11-20?form=html")
    assert "日报" in got.data.decode()
    assert "sandbox" in got.headers["content-security-policy"]
    assert people["aud"].get("/gateway/reports/2026-11-20?form=json").status == 404
    assert people["aud"].get("/gateway/reports/..%2f..%2fx?form=html").status == 404
    assert people["aud"].post("/gateway/reports", {"day": "2026-11-20"}).status == 202
    assert people["aud"].post("/gateway/reports", {"day": "2026-13-40"}).status == 400


def test_rebuilding_the_index_is_the_system_administrators(people):
    assert people["sec"].post("/gateway/index").status == 403
    assert people["sys"].post("/gateway/index").status == 202

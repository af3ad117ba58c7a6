"""The daily report: figures of one Beijing day, its page and plots, its signature, its night."""

import datetime as dt
import json
import re
import xml.etree.ElementTree as ET

import pytest

from appliance import clock
from appliance.signing import BadSignature, SigningKey
from controller.actions.supervision import MakeReport
from controller.records.exchange import Alert, GatewayReport, JournalIndex, Proof
from controller.records.session import reading
from controller.records.tables import Job
from controller.workers import daily, reports
from controller.workers.daily import Day
from controller.workers.daily_plot import columns, lines
from tests.unit.controller.workers.exchange import job_row, keep, place, transfer

DAY = Day("2026-11-20")


def at(hour: float) -> str:
    return clock.iso(DAY.begin + dt.timedelta(hours=hour))


@pytest.fixture
def site(tmp_path):
    made = place(tmp_path)
    keep(
        made,
        transfer(1, at=at(-0.1)),  # the day before
        transfer(2, at=at(0), latency_ms=10.0, dropped=2, masked=1),
        transfer(3, at=at(9.5), latency_ms=30.0),
        transfer(4, at=at(9.6), state="dead", rule="gateway.far_side_late", attempts=10),
        transfer(5, at=at(10), verdict="refused", rule="gateway.no_channel", count=40),
        transfer(6, at=at(11), verdict="refused", rule="gateway.personal_number", found="id-card:2", count=3),
        transfer(7, at=at(24)),  # the day after
        Alert(id="a", rule="dead_letter", subject="booking", tone="bad", facts={"number": 1},
              opened_at=at(9.7), seen_at=at(9.7)),
        Proof(id="p", at=at(3), level="L1", open_ways=1,
              document={"findings": [{"verdict": "OPEN"}, {"verdict": "refused"}]}),
        Job(id="j1", number=9, kind="gateway.change.approve", action={}, title_zh="批准变更 4",
            title_en="Approve", object="o", actor="secadmin", role="security", locks=[],
            state="succeeded", audit_number=1, created_at=at(8)),
        Job(id="j2", number=10, kind="gateway.look", action={}, title_zh="查看", title_en="Look",
            object="o", actor="audadmin", role="audit", locks=[], state="succeeded",
            audit_number=2, created_at=at(8.5)),
        JournalIndex(id=1, number=7, chain="c" * 64, at=at(24), paused=[]),
    )  # fmt: skip
    return made


@pytest.fixture
def found(site):
    with reading(site.engine) as session:
        return daily.figures(session, DAY, "测试医院 <b>")


def test_the_figures_are_those_of_that_day_in_beijing(found):
    assert found["totals"] == {
        "passed": 2, "refused": 43, "undelivered": 1, "bytes": 500, "dropped": 2, "masked": 1, "inert": 0,
    }  # fmt: skip
    assert found["latency"][0]["p95"] == 30.0
    assert found["refusals"][0] == {
        "rule": "gateway.no_channel", "peer": "10.88.0.10", "who": "", "channel": "booking", "number": 40,
    }  # fmt: skip
    assert found["personal"] == [
        {"channel": "booking", "verdict": "refused", "messages": 3, "id-card": 6}
    ]
    assert [one["number"] for one in found["undelivered"]] == [4]
    assert found["proofs"][0]["verdicts"] == {"OPEN": 1, "refused": 1}
    assert [one["number"] for one in found["changes"]] == [9]
    assert [one["number"] for one in found["looks"]] == [10]
    assert len(found["hours"]["passed"]) == 24
    assert found["hours"]["passed"][0] == 1.0
    assert found["hours"]["refused"][10] == 40.0
    assert found["hours"]["passed"][1] is None, "an hour of which nothing is known"
    assert daily.summary(found)["open_ways"] == 1


def test_the_page_is_whole_escaped_and_loads_nothing(found):
    page = reports.page(found)
    assert "测试医院 &lt;b&gt;" in page
    assert "<b>" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|<script|<link|url\(", page)
    for word in ("批准变更 4", "gateway.no_channel", "不是经认证的网闸", "L1"):
        assert word in page
    assert page.index("放行") < page.index("passed")


def test_an_empty_day_has_a_report_too(site):
    with reading(site.engine) as session:
        empty = daily.figures(session, Day("2020-01-01"), "x")
    page = reports.page(empty)
    assert "当天没有消息" in page
    assert "prover did not run" in page


def test_the_plots_show_gaps_as_gaps():
    values = [1.0, 2.0, None, 4.0] + [None] * 20
    drawn = ET.fromstring(lines({"p50": (values, "#000")}, "t"))  # noqa: S314 - our own text
    space = {"s": "http://www.w3.org/2000/svg"}
    assert len(drawn.findall("s:polyline", space)) == 2
    bars = ET.fromstring(columns({"a": (values, "#000"), "b": ([None] * 24, "#111")}, "t"))  # noqa: S314 - our own text
    told = [title.text for title in bars.iterfind(".//s:title", space)]
    assert sum("unknown" in text for text in told) == 21
    assert ET.fromstring(columns({"a": ([None] * 24, "#000")}, "t")) is not None  # noqa: S314 - our own text


def test_the_signature_covers_report_and_page(site):
    job_row(site)
    [step] = reports.make(MakeReport(DAY.name), site)
    step.do(lambda _line: None)
    folder = site.settings.state / "reports" / reports.FOLDER
    data = (folder / "2026-11-20.json").read_bytes()
    key = SigningKey.load(site.settings.keys / "report.key").public
    held = reports.check(data, key)
    assert held["day"] == "2026-11-20"
    html = (folder / "2026-11-20.html").read_bytes()
    from appliance.canonical import digest  # noqa: PLC0415 - only here

    assert json.loads(data)["html_sha256"] == digest(html)
    for forged in (data.replace(b'"passed":2', b'"passed":9'), data.replace(b"L1", b"L9")):
        with pytest.raises(BadSignature):
            reports.check(forged, key)
    with reading(site.engine) as session:
        assert session.get(GatewayReport, "2026-11-20").digest == json.loads(data)["digest"]


def test_yesterday_is_reported_once_when_the_night_has_come(site, monkeypatch):
    now = dt.datetime(2026, 11, 21, 0, 5, tzinfo=daily.BEIJING)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert not reports.nightly(site)
    now = dt.datetime(2026, 11, 21, 0, 11, tzinfo=daily.BEIJING)
    assert reports.nightly(site)
    assert not reports.nightly(site)
    with reading(site.engine) as session:
        assert [row.day for row in session.query(GatewayReport)] == ["2026-11-20"]


def test_a_report_made_before_the_day_was_over_is_made_again_at_night(site, monkeypatch):
    now = dt.datetime(2026, 11, 20, 18, 0, tzinfo=daily.BEIJING)
    monkeypatch.setattr(clock, "now", lambda: now)
    reports.write(site, DAY)
    now = dt.datetime(2026, 11, 21, 3, 0, tzinfo=daily.BEIJING)
    assert reports.nightly(site)

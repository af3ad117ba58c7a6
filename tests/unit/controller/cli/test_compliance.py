"""`hbox compliance show`: a person reads what the machine judged; a program gets the record."""

import json
import re

import pytest
from sqlalchemy.orm import Session

from appliance import clock
from controller.cli import main
from controller.cli.verdicts import told
from controller.records.tables import ComplianceRun
from tests.browser.hospital import furnished


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    hospital = furnished(tmp_path_factory.mktemp("hospital"))
    [path] = (hospital.settings.state / "reports").glob("*.json")
    return path.read_text()


@pytest.fixture
def kept(site, held):
    """That report as the newest run of the running box."""
    path = site.controller.settings.state / "reports" / "shown.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(held)
    run = ComplianceRun(
        id="shown", at=clock.iso(), seconds=11.3, ruleset="r", digest="d", json_path=str(path),
        html_path=str(path), summary=json.loads(held)["report"]["summary"],
    )  # fmt: skip
    with Session(site.controller.engine) as session, session.begin():
        session.merge(run)
    yield path
    with Session(site.controller.engine) as session, session.begin():
        session.delete(session.get(ComplianceRun, "shown"))


SHOWN = ("conform", "partial", "violated", "not_applicable", "unknown")


def _judged(path):
    return json.loads(path.read_text())["report"]["summary"]["judged"]["objects"]


def test_show_is_a_table_for_people_and_the_record_for_programs(site, kept, monkeypatch, capsys):
    monkeypatch.setenv("HBOX_SOCKET", str(site.socket))
    assert main(["compliance", "show"]) == 0
    out = capsys.readouterr().out
    assert "{" not in out, "no raw dict in what people read"
    assert "shown" in out
    [host] = [o for o in _judged(kept) if o["ref"] == "host:node1"]
    counts = [host["checks"][v] for v in SHOWN]
    assert re.search(rf"主机 host +host:node1 +{' +'.join(map(str, counts))}\n", out)
    assert main(["compliance", "show", "shown", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["summary"]["judged"]["objects"] == _judged(kept)


def test_a_report_that_is_gone_is_an_error(site, kept, monkeypatch, capsys):
    monkeypatch.setenv("HBOX_SOCKET", str(site.socket))
    kept.unlink()
    assert main(["compliance", "show"]) != 0
    assert "part.unavailable" in capsys.readouterr().err


def test_the_findings_to_act_on_are_all_there_worst_first_with_their_sentence(held):
    report = json.loads(held)["report"]
    text = told(report).split("To act on, worst first\n")[1]
    words = re.findall(r"^(\S+)  ([\d.a-z]+)  (\S+)\n    (.+)\n    (.+)$", text, re.MULTILINE)
    order = ["不符合", "部分符合", "未知"]
    assert [order.index(word) for word, *_ in words] == sorted(order.index(w) for w, *_ in words)
    wanted = {
        (f["item"], f["subject"], f["reason"]["zh"])
        for f in report["findings"]
        if f["verdict"] in ("violated", "partial", "unknown")
    }
    assert {(item, subject, zh) for _, item, subject, zh, _ in words} == wanted
    assert len(words) == len(wanted)


def test_the_layers_and_the_whole_are_told_and_nothing_undecided_is_called_met(held):
    report = json.loads(held)["report"]
    text = told(report)
    for layer in report["layers"]:
        assert re.search(rf"^{re.escape(layer['id'])} +{layer['text']['zh']} ", text, re.MULTILINE)
    waits = sum(item["verdict"] == "pending" for item in report["items"])
    assert f"待人工 {waits} · 符合 0" in text
    assert "尚无结论" in text

"""The report keeps its schema, its page is closed in itself, and damage of any kind is found."""

import copy
import html
import json
import re

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.signing import SigningKey
from compliance import report, schema
from compliance.catalogue import LAWS
from compliance.judging import derive
from compliance.model import WORST_FIRST, Kind
from compliance.risks import State
from compliance.statements import Effect
from compliance.verify import BadReport, ForeignKey, OtherRules, check_content, verify


def data(envelope):
    return json.dumps(envelope, ensure_ascii=False).encode()


def resigned(envelope, key):
    """What a forger with a key of his own would do after altering the report."""
    return data(report.sign(envelope["report"], key))


def test_the_report_keeps_its_published_schema(plain, envelope):
    published = json.loads(schema.text())
    jsonschema.Draft202012Validator.check_schema(published)
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(envelope)
    for name in published["$defs"]["report"]["required"]:
        broken = {**envelope, "report": {k: v for k, v in plain.items() if k != name}}
        assert not validator.is_valid(broken), name


def test_a_report_with_all_that_people_give_keeps_the_schema_and_verifies(full, key):
    envelope = json.loads(data(report.sign(full, key)))
    jsonschema.validate(envelope, json.loads(schema.text()))
    assert verify(data(envelope), key.public).trusted
    assert {one["effect"] for one in full["answers"]} >= {
        "decides",
        "contradicted",
        "waits",
        "lapsed",
        "nothing",
    }
    assert [one["state"] for one in full["waivers"]] == ["valid", "expired", "invalid", "nothing"]
    assert {one["ref"] for one in full["foreign"]} == {"person:room-1", "boundary:fw-1"}
    assert full["risk_count"]["major"]["printed"].endswith("已整改）")


def _objects(node):
    """Every object of the schema, the envelope's and the report's, however deep."""
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for inner in node.values():
            yield from _objects(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _objects(inner)


def test_the_schema_is_closed_and_leaves_nothing_of_the_report_out():
    whole = json.loads(schema.text())
    forms = {"xlsx_sha256", "pdf_sha256"}
    for one in _objects(whole):
        assert one["additionalProperties"] is False
        assert set(one["required"]) == set(one["properties"]) - forms
    assert set(whole["$defs"]["kind"]["enum"]) == set(map(str, Kind))
    assert set(whole["$defs"]["effect"]["enum"]) == set(map(str, Effect))
    assert set(whole["$defs"]["risk_state"]["enum"]) == set(map(str, State))
    assert set(whole["$defs"]["verdict"]["enum"]) == set(map(str, WORST_FIRST))


ANSWERED = {
    "a statement that counts though nobody approved it": lambda r: r["answers"][3].update(
        effect="decides"
    ),
    "an approver": lambda r: r["answers"][0].update(approved_by="wang"),
    "a review day": lambda r: r["answers"][0].update(review_by="2020-01-01"),
    "what was stated": lambda r: r["answers"][0].update(verdict="not_applicable"),
    "a statement taken out": lambda r: r["answers"].pop(0),
    "the day": lambda r: r.update(today="2020-01-01"),
    "an expired waiver": lambda r: r["waivers"][1].update(state="valid"),
    "an object's counts": lambda r: r["foreign"][1]["counts"].update(conform=99, pending=0),
    "the former run": lambda r: r["former"].update(risks=[]),
}


@pytest.mark.parametrize("how", ANSWERED)
def test_altered_words_of_people_are_found_even_if_signed_anew(full, key, how):
    envelope = json.loads(data(report.sign(full, key)))
    ANSWERED[how](envelope["report"])
    with pytest.raises(BadReport):
        verify(resigned(envelope, key), key.public)


def test_a_report_by_other_rules_is_not_called_altered(envelope, key):
    envelope["report"]["risk_rules"]["sha256"] = "0" * 64
    with pytest.raises(OtherRules) as caught:
        verify(resigned(envelope, key), key.public)
    assert "000000000000" in caught.value.message.zh
    envelope["report"]["format"] = "hbox-compliance-report/1"
    with pytest.raises(BadReport) as caught:
        verify(resigned(envelope, key), key.public)
    assert report.FORMAT in caught.value.message.zh


def test_people_and_waivers_change_no_rate(plain, full):
    """What people state of risks and what they waive leaves every figure; statements on items move it."""
    waived = copy.deepcopy(full)
    waived["waivers"] = []
    assert derive(waived)["rulesets"] == full["rulesets"]
    assert derive(waived)["risks"] == full["risks"]
    assert full["rulesets"][0]["conform"] > plain["rulesets"][0]["conform"]


def test_law_beside_is_counted_apart(plain):
    assert [one["name"] for one in plain["laws"]] == list(LAWS)
    own = {item["id"] for law in plain["laws"] for item in law["items"]}
    assert not own & {item["id"] for item in plain["items"]}
    assert all(one["total"] == 257 for one in plain["rulesets"])
    for law in plain["laws"]:
        assert sum(law["counts"].values()) == len(law["items"]) > 25


def test_the_page_begins_with_risks_then_sums_and_keeps_waivers_beside_findings(full):
    page = report.html(full)
    places = [
        page.index(word)
        for word in ("<h2>风险", "<h2>汇总", "<h2>规则集与算式", "<h2>问题，最差", "<h2>人员填报")
    ]
    assert places == sorted(places)
    for ruleset in full["rulesets"]:
        assert all(html.escape(line) in page for line in ruleset["lines"])
    worst = page[page.index("<h2>问题，最差") : page.index("<h2>已判为符合")]
    assert "豁免有效" in worst
    assert "豁免已过期" in worst
    assert all(one["sha256"] in page for a in full["answers"] for one in a["attachments"])
    assert "互联网医院与医疗机构网络安全规定" in page


def test_the_page_escapes_what_people_said(full):
    hostile = copy.deepcopy(full)
    hostile["answers"][0]["record"] = hostile["waivers"][0]["reason"] = "<script>1</script>"
    hostile["foreign"][0]["what"] = "<img src=x>"
    hostile["answers"][0]["attachments"][0]["name"] = "<iframe>"
    page = report.html(hostile)
    assert not re.search("<script|<img|<iframe", page)


def test_a_whole_report_verifies_with_its_page(plain, envelope, key):
    page = report.html(plain).encode()
    verified = verify(data(envelope), key.public, page)
    assert verified.trusted
    assert verified.evidence == len(plain["evidence"])
    assert verified.digest.encode() in page
    assert not verify(data(envelope)).trusted


def test_another_key_is_not_trusted(envelope):
    with pytest.raises(ForeignKey):
        verify(data(envelope), SigningKey.new().public)


def test_a_forger_with_a_key_of_his_own_is_not_trusted(envelope, key):
    forged = resigned(envelope, SigningKey.new())
    assert not verify(forged).trusted
    with pytest.raises(ForeignKey):
        verify(forged, key.public)


def _first_evidence(report_):
    return next(iter(report_["evidence"].values()))


DAMAGE = {
    "answer": lambda r: _first_evidence(r).update(answer="all is well"),
    "question": lambda r: _first_evidence(r).update(asked="true"),
    "time": lambda r: _first_evidence(r).update(at="2020-01-01T00:00:00+00:00"),
    "evidence taken out": lambda r: r["evidence"].popitem(),
    "evidence list emptied": lambda r: r["checks"][0].update(evidence=[]),
    "item verdict": lambda r: r["items"][0].update(verdict="conform"),
    "layer verdict": lambda r: r["layers"][0].update(verdict="conform"),
    "finding without check": lambda r: next(f for f in r["findings"] if not f["checks"]).update(
        verdict="conform"
    ),
    "what the machine judged": lambda r: r["summary"]["judged"]["objects"][0]["findings"].update(
        conform=99
    ),
    "score": lambda r: r["score"].update(sum="257 ÷ 257 = 100 %"),
    "a rule set's conclusion": lambda r: r["rulesets"][0]["conclusion"].update(zh="符合"),
    "a rule set left out": lambda r: r["rulesets"].pop(),
    "an option": lambda r: r["options"].update({"hbox-2025-1.partial": "half"}),
    "a risk": lambda r: r["risks"][0].update(state="closed"),
    "a risk left out": lambda r: r["risks"].pop(0),
    "the count of risks": lambda r: r["risk_count"]["major"].update(printed="0"),
    "a law's finding": lambda r: r["laws"][0]["findings"][0].update(verdict="conform"),
    "a law's counts": lambda r: r["laws"][0]["counts"].update(conform=31, pending=0),
    "the items by part": lambda r: r["summary"]["general"].update(conform=211),
    "an object's counts": lambda r: r["subjects"][0]["counts"].update(conform=99),
    "a check's verdict": lambda r: r["checks"][0].update(verdict="not_applicable"),
    "a finding's check made up": lambda r: next(
        f for f in r["findings"] if f["item"] == "8.1.3.2.c" and f["checks"]
    )["checks"].append("made_up"),
    "a finding's check left out": lambda r: next(f for f in r["findings"] if f["checks"])[
        "checks"
    ].pop(),
    "a finding's effect": lambda r: next(f for f in r["findings"] if not f["checks"]).update(
        statement="decides", verdict="conform"
    ),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_altered_content_is_found_even_if_signed_anew(envelope, key, how):
    DAMAGE[how](envelope["report"])
    with pytest.raises(BadReport):
        verify(data(envelope), key.public)
    with pytest.raises(BadReport):
        verify(resigned(envelope, key), key.public)
    with pytest.raises(BadReport):
        check_content(envelope["report"])


@pytest.mark.parametrize(
    "field", ["signature", "digest", "html_sha256", "signed_at", "key", "public_key"]
)
def test_every_field_of_the_envelope_is_signed(envelope, key, field):
    envelope[field] = ("0" if envelope[field][0] != "0" else "1") + envelope[field][1:]
    with (
        pytest.raises((BadReport, ForeignKey))
        if field != "public_key"
        else pytest.raises(Exception)
    ):
        verify(data(envelope), key.public)


def test_an_altered_page_is_found(plain, envelope, key):
    page = report.html(plain).replace("不符合", "符合").encode()
    with pytest.raises(BadReport):
        verify(data(envelope), key.public, page)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_file_cut_off_is_found(envelope, kept):
    with pytest.raises(BadReport):
        verify(data(envelope)[:kept])


@pytest.mark.parametrize(
    "text", [b"[]", b"null", b"{}", b"\xff\xfe", b'{"format": "hbox-signed-report/1"}']
)
def test_what_is_no_report_is_a_clear_error(text):
    with pytest.raises(BadReport) as caught:
        verify(text)
    assert caught.value.message.zh


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(plain, key, where, bit):
    whole = bytearray(_SIGNED.setdefault("bytes", data(report.sign(plain, key))))
    whole[int(where * len(whole))] ^= 1 << bit
    with pytest.raises((BadReport, ForeignKey)):
        verify(bytes(whole), key.public)


_SIGNED: dict[str, bytes] = {}


def test_the_page_is_closed_in_itself(plain):
    page = report.html(plain)
    assert not re.search(r"<script|<link|<img|<iframe|@import|javascript:", page)
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", page)
    assert "default-src 'none'" in page
    assert page.index("等保三级自查报告") < page.index("Level-3")


def test_the_page_escapes_what_machines_said(plain):
    hostile = copy.deepcopy(plain)
    proof = next(iter(hostile["evidence"].values()))
    proof["answer"] = proof["asked"] = "</pre><script>alert(1)</script>"
    hostile["site"] = "<b>医院</b>"
    hostile["checks"][0]["reason"]["zh"] = "<i>"
    page = report.html(hostile)
    assert "<script>" not in page
    assert "<b>医院" not in page
    assert "<i>" not in page


def test_findings_come_worst_first(plain):
    page = report.html(plain)
    section = page[page.index("问题，最差在前") : page.index("已判为符合")]
    order = re.findall(r'class="v (\w+)"', section)
    assert order == sorted(order, key=["violated", "partial", "unknown"].index)
    assert "violated" in order


def test_the_page_shows_what_the_machine_judged_and_what_conforms(plain):
    page = report.html(plain)
    of_object = plain["summary"]["judged"]["objects"]
    section = page[page.index("机器已检查的对象") : page.index("各层结果")]
    for one in of_object:
        numbers = [one["checks"][v] for v in WORST_FIRST if v != "pending"]
        cells = "".join(f"<td>{number}</td>" for number in [*numbers, sum(numbers)])
        assert f"<code>{one['ref']}</code></th>{cells}" in section


def test_the_page_lists_what_conforms_with_the_checks_that_carry_it(plain):
    shown = copy.deepcopy(plain)
    made = next(f for f in shown["findings"] if f["checks"])
    made["verdict"] = "conform"
    page = report.html(shown)
    good = page[page.index("已判为符合") : page.index('id="check-')]
    wanted = [f for f in shown["findings"] if f["verdict"] == "conform"]
    assert re.findall(r'<a href="#item-([\w.]+)">', good) == [f["item"] for f in wanted]
    assert set(re.findall(r'class="v (\w+)"', good)) == {"conform"}
    assert all(f'href="#check-{check}"' in good for f in wanted for check in f["checks"])

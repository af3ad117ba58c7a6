"""The report keeps its schema, its page is closed in itself, and damage of any kind is found."""

import copy
import json
import re
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.signing import SigningKey
from compliance import report
from compliance.model import WORST_FIRST
from compliance.verify import BadReport, ForeignKey, check_content, verify


def data(envelope):
    return json.dumps(envelope, ensure_ascii=False).encode()


def resigned(envelope, key):
    """What a forger with a key of his own would do after altering the report."""
    return data(report.sign(envelope["report"], key))


def test_the_report_keeps_its_published_schema(plain, envelope):
    schema = json.loads((files("compliance.schema") / "report.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(envelope, schema)
    for name in ("evidence", "findings", "score"):
        broken = copy.deepcopy(envelope)
        del broken["report"][name]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


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

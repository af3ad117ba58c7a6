"""The pages: hostile input, headers, no outside assets, readable without JavaScript, labels."""

import re
import urllib.parse

import pytest

from tests.unit.modules.chain import MODULES, Chain

_STYLE_OR_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", re.IGNORECASE)


def pages(chain: Chain) -> list[str]:
    patient = chain.browser()
    slot = chain.slots()[-1]
    paths = ["/", f"/book/{slot}", "/book/none", "/none", patient.book(slot)]
    return [patient.ask("GET", path).text for path in paths] + [chain.his.get("/")[1]]


def test_pages_bring_nothing_from_outside_and_nothing_inline(chain: Chain) -> None:
    for page in pages(chain):
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page)
        assert not _STYLE_OR_SCRIPT.search(page), page
        assert 'lang="zh-CN"' in page
        assert 'lang="en"' in page
        assert "模拟" in page


def test_assets_name_no_other_place() -> None:
    for path in MODULES.glob("*/src/*/static/*"):
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^//.*$", "", text, flags=re.MULTILINE).replace("/* ", ""), path
        assert "@import" not in text
        assert "url(" not in text


def test_every_answer_has_strict_headers(chain: Chain) -> None:
    patient = chain.browser()
    for path in ("/", "/none", "/static/app.css", "/b/x/state"):
        headers = patient.ask("GET", path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "name",
    [
        "", "一", "<script>alert(1)</script>", "x" * 31, "a\0b", "a\nb", "张三\u202e", "😀😀", "1234",
        "'; DROP TABLE booking;--", "{{7*7}}", "%00", "张三;",
    ],
)  # fmt: skip
def test_bad_names_are_refused_with_a_sentence(chain: Chain, name: str) -> None:
    patient = chain.browser()
    slot = chain.slots()[-1]
    answer = patient.submit(slot, patient.form(slot), name=name)
    assert answer.status == 422
    assert "请填写 2 到 30 个字的姓名" in answer.text
    assert "Give a name" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "phone",
    ["", "1", "23800000000", "138000000001", "+8613800000000", "1380000000a", "138 00", "0"],
)
def test_bad_phones_are_refused_with_a_sentence(chain: Chain, phone: str) -> None:
    patient = chain.browser()
    slot = chain.slots()[-1]
    answer = patient.submit(slot, patient.form(slot), phone=phone)
    assert answer.status == 422
    assert "11 位手机号" in answer.text


@pytest.mark.parametrize("name", ["阿依古丽·买买提", "Anne-Marie O'Neill", "欧阳 三", "𠮷田"])
def test_good_names_and_full_width_phones_are_taken(chain: Chain, name: str) -> None:
    patient = chain.browser()
    slot = chain.slots()[0]
    booking = patient.book(slot, name=name, phone="１３８００００００００ ")
    assert patient.settled(booking) in ("booked", "cancelled")


def test_a_form_needs_its_token_and_its_cookie(chain: Chain) -> None:
    slot = chain.slots()[-1]
    patient, other = chain.browser(), chain.browser()
    hidden, foreign = patient.form(slot), other.form(slot)
    for wrong in ({}, {**hidden, "csrf": "0" * 64}, {**hidden, "csrf": "é"}, foreign):
        assert patient.submit(slot, wrong).status == 403
    patient.cookie = ""
    assert patient.submit(slot, hidden).status == 403
    assert slot in chain.slots()


def test_hostile_requests_do_no_harm(chain: Chain) -> None:
    patient = chain.browser()
    for method, path, body in (
        ("GET", "/book/" + "x" * 3000, ""),
        ("GET", "/../../etc/passwd", ""),
        ("GET", "/static/../config.py", ""),
        ("GET", "/static/%2e%2e/config.py", ""),
        ("GET", "/b/" + urllib.parse.quote("' OR 1=1 --"), ""),
        ("POST", "/", "a=b"),
        ("PUT", "/book/x", "a=b"),
        ("POST", "/book/x", "&".join(f"f{n}=1" for n in range(5000))),
        ("POST", "/book/x", "name=" + "x" * 200_000),
    ):
        answer = patient.ask(method, path, body)
        assert 400 <= answer.status < 500, (method, path[:40])
        assert not answer.text or "返回号源" in answer.text or answer.status in (413, 414)
    assert patient.ask("GET", "/").status == 200


@pytest.mark.parametrize(
    "body",
    [
        "", "x", "[]", "null", "{}", '{"resourceType":"Appointment"}', "[" * 5000, "\ud800".encode(
            "utf-8", "surrogatepass").decode("latin-1"),
        '{"resourceType":"Appointment","status":"booked","identifier":"x"}',
        '{"resourceType":"Appointment","status":"booked","identifier":[1]}',
        '{"resourceType":"Appointment","status":"noshow","identifier":[]}',
    ],
)  # fmt: skip
def test_bad_fhir_is_refused_on_both_sides(chain: Chain, body: str) -> None:
    for module in (chain.appointment, chain.his):
        status, _ = chain.relay.ask(
            module.port,
            "POST",
            "/fhir/Appointment",
            body.encode("utf-8", "replace"),
            {"X-HBox-Delivery": "bad"},
        )
        assert status == 422


def test_deliveries_need_their_id(chain: Chain) -> None:
    for module in (chain.appointment, chain.his):
        assert chain.relay.ask(module.port, "POST", "/fhir/Appointment", b"{}", {})[0] == 400


def test_a_foreign_or_contradicting_answer_changes_nothing(chain: Chain) -> None:
    answer = (
        '{"resourceType":"Appointment","status":"%s",'
        '"identifier":[{"system":"urn:hbox:booking","value":"%s"}]}'
    )
    headers = {"X-HBox-Delivery": "x"}
    body = (answer % ("booked", "nobody")).encode()
    path = "/fhir/Appointment"
    assert chain.relay.ask(chain.appointment.port, "POST", path, body, headers)[0] == 404


@pytest.mark.parametrize(
    "query",
    [
        "status=x",
        "start=x",
        "start=2026-01-01",
        "start=ge2026-99-99",
        "_count=0",
        "_count=-1",
        "_count=x",
    ],
)
def test_bad_searches_are_refused(chain: Chain, query: str) -> None:
    assert chain.his.get(f"/fhir/Slot?{query}")[0] == 400


def test_searches_filter(chain: Chain) -> None:
    slots = chain.free()
    assert chain.his.get("/fhir/Slot?status=free&start=ge2999-01-01")[1].count('"Slot"') == 0
    assert chain.his.get("/fhir/Slot?status=free&_count=5")[1].count('"Slot"') == 5
    assert chain.his.get("/fhir/Slot?start=lt2999-01-01&status=free")[1].count('"Slot"') == len(
        slots
    )


def test_health(chain: Chain) -> None:
    for module in (chain.appointment, chain.his):
        for probe in ("live", "ready", "deep"):
            status, body = module.get(f"/health/{probe}")
            assert status == 200
            assert '"version": "0.1.0"' in body
        assert module.get("/health/other")[0] == 404


def test_a_silent_hospital_is_said_openly(own_chain: Chain) -> None:
    own_chain.relay.open = False
    patient = own_chain.browser()
    page = patient.ask("GET", "/")
    assert page.status == 503
    assert "暂时联系不上医院系统" in page.text
    assert own_chain.appointment.get("/health/deep")[0] == 503
    assert own_chain.appointment.get("/health/ready")[0] == 200

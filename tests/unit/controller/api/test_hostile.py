"""Whatever is sent, the API answers with a reason of its own: never with an error nobody foresaw."""

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.actions.base import Role
from controller.api.routes import ROUTES

ADMINISTRATORS = {Role.SYSTEM: "sysadmin", Role.SECURITY: "secadmin", Role.AUDIT: "audadmin"}
CALM = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "..",
        "a" * 300,
        "\x00",
        "' or 1=1 --",
        "%2e%2e",
        "{name}",
        "名称",
        "1",
        "-1",
        "1e999",
        "9" * 30,
        "²",
    ]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def people(site):
    return {role: site.administrator(name) for role, name in ADMINISTRATORS.items()}


def asker(people, form):
    wanted = form.roles or frozenset({Role.SYSTEM})
    return next(people[role] for role in ADMINISTRATORS if role in wanted)


def answered(got):
    assert got.status < 500 or got.code == "part.unavailable", got.data
    if got.status >= 400:
        error = got.json["error"]
        assert error["code"] != "box.error"
        assert error["message"]["zh"]


@pytest.mark.parametrize("form", [r.form for r in ROUTES if r.form.body], ids=lambda f: f.name)
@CALM
@given(data=st.data())
def test_bodies(people, form, data):
    fields = list(form.body.model_fields)
    body = data.draw(st.dictionaries(st.sampled_from(fields), VALUE) | VALUE)
    address = form.address.replace("<", "").replace(">", "")
    raw = json.dumps(body).encode()
    kind = {"Content-Type": "application/json"}
    answered(asker(people, form).ask(form.method, address, headers=kind, raw=raw))


@pytest.mark.parametrize("form", [r.form for r in ROUTES if r.form.query], ids=lambda f: f.name)
@CALM
@given(data=st.data())
def test_queries(people, form, data):
    fields = st.sampled_from([*form.query.model_fields, "x"])
    asked = data.draw(st.dictionaries(fields, TEXT, max_size=3))
    asked.pop("timeout", None)
    address = form.address.replace("<", "").replace(">", "")
    answered(asker(people, form).ask("GET", f"{address}?{urlencode(asked)}"))


@pytest.mark.parametrize(
    "form", [r.form for r in ROUTES if "<" in r.form.address], ids=lambda f: f.name
)
@CALM
@given(part=TEXT.filter(lambda part: part not in ("", ".", "..")))
def test_parts_of_addresses(people, form, part):
    head, _, tail = form.address.partition("<")
    address = head + quote(part, safe="") + tail.partition(">")[2]
    answered(asker(people, form).ask(form.method, address))


@CALM
@given(key=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=140))
def test_idempotency_keys(people, key):
    got = people[Role.SYSTEM].post("/gateway/proofs", **{"Idempotency-Key": key})
    answered(got)

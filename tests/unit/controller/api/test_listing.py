"""Long lists: pages that follow each other, chosen fields, filters that mean what they say."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInput
from controller.api import listing, vms_list
from controller.records.session import transaction
from controller.records.tables import Vm
from tests.unit.controller.api.program import Web


@pytest.fixture(scope="module")
def web(tmp_path_factory, newborn):
    from tests.unit.controller.conftest import _controller  # noqa: PLC0415

    for controller in _controller(tmp_path_factory.mktemp("listing"), newborn):
        made = Web(controller)
        made.tenant("red")
        for n in range(25):
            made.vm(f"vm-{n:02}", "red" if n % 5 == 0 else "", at=10 + n)
        with transaction(made.engine) as session:
            session.query(Vm).filter_by(name="vm-03").one().vcpus = 7
            session.query(Vm).filter_by(name="vm-04").one().user_data = "it and that"
        yield made
        made.close()


def ask(web, **query):
    return web.client.get(
        "/api/v1/vms",
        query_string=query,
        headers={"Authorization": f"Bearer {web.key('sysadmin')}"},
    )


def names(web, **query):
    got = ask(web, **query)
    assert got.status_code == 200, got.data
    return [vm["name"] for vm in got.json["items"]]


def test_pages_follow_each_other_and_end(web):
    seen, after = [], ""
    while after is not None:
        got = ask(web, limit=10, after=after).json
        seen += [vm["name"] for vm in got["items"]]
        after = got["next"]
    assert seen == [f"vm-{n:02}" for n in range(25)]


def test_only_the_fields_that_were_asked_for(web):
    got = ask(web, fields="name,module,vcpus,name", limit=1).json
    assert got["items"] == [{"name": "vm-00", "module": None, "vcpus": 2}]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("name eq vm-03", 1),
        ("vcpus eq 7", 1),
        ("vcpus ne 7", 24),
        ("tenant eq red", 5),
        ("tenant eq ''", 20),
        ("tenant ne red and vcpus eq 2", 19),
        ("name contains m-1", 10),
        ("name contains %", 0),
        ("agent eq false", 25),
        ("module eq null", 25),
        ("module ne null", 0),
        ("name eq 'x'' or 1=1 --'", None),
        ("name eq x; drop table vms", None),
        ("nothing eq 1", None),
        ("vcpus eq two", None),
        ("vcpus eq 99999999999999999999", None),
        ("agent eq yes", None),
        ("name eq vm-01 and", None),
        ("name eq vm-01 or name eq vm-02", None),
        ("name", None),
        ("name eq vm-01 and and vcpus eq 2", None),
    ],
)
def test_filters(web, text, count):
    got = ask(web, filter=text)
    if count is None:
        assert got.status_code == 400, got.data
        assert got.json["error"]["hint"]["zh"]
    else:
        assert len(got.json["items"]) == count


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_bad_input(text):
    try:
        listing.condition(text, vms_list.columns())
    except BadInput:
        return


def test_a_value_in_quotes_may_hold_the_word_that_joins():
    joined = str(listing.condition("name eq 'a and b' and zone eq intranet", vms_list.columns()))
    assert joined.count("=") == 2


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 1001}, {"fields": "name,,id"}, {"fields": "secret"},
              {"fields": "Name"}, {"after": "x" * 65}, {"filter": "x" * 513}, {"order": "name"}],
)  # fmt: skip
def test_bad_queries(web, query):
    assert ask(web, **query).status_code == 400


def test_a_thousand_machines_cost_one_query_each_page(web):
    from sqlalchemy import event  # noqa: PLC0415

    engine, told = web.app.extensions["hbox.engine"], []
    event.listen(engine, "before_cursor_execute", lambda *given: told.append(given[2]))
    ask(web)
    assert len([text for text in told if "vms" in text]) == 1
    began = time.monotonic()
    assert len(names(web)) == 25
    assert time.monotonic() - began < 5

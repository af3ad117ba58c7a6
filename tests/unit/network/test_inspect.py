"""Inspection: only allowed fields of the right type come out, in any message."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.gateway.inspect import Field, compiled, minimise
from network.gateway.refusals import BodyRefused

SHAPE = compiled(
    [
        Field("resourceType", "code", required=True, values=("Bundle",)),
        Field("total", "integer"),
        Field("entry[].resource.id", "id", required=True),
        Field("entry[].resource.start", "instant"),
        Field("tag[]", "string", longest=5),
        Field("active", "boolean"),
    ]
)
GOOD = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"id": "a", "start": "2026-11-21T08:00:00+08:00"}}],
}
LIMIT = 10000


def run(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return minimise(data, SHAPE, limit=LIMIT)


def test_what_is_not_listed_is_left_behind_and_counted():
    full = {**GOOD, "name": {"family": "李"}, "total": 1}
    full["entry"] = [{**GOOD["entry"][0], "search": 1}]
    kept = run(full)
    assert json.loads(kept.body) == {**GOOD, "total": 1}
    assert kept.dropped == 3


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({**GOOD, "resourceType": "Patient"}, "$.resourceType"),
        ({"entry": []}, "$.resourceType"),
        ({**GOOD, "entry": {}}, "$.entry"),
        ({**GOOD, "entry": [1]}, "$.entry[]"),
        ({**GOOD, "entry": [{"resource": {}}]}, "$.entry[].resource.id"),
        ({**GOOD, "total": True}, "$.total"),
        ({**GOOD, "total": 2**31}, "$.total"),
        ({**GOOD, "total": 1.0}, "$.total"),
        ({**GOOD, "active": "true"}, "$.active"),
        ({**GOOD, "tag": ["toolong"]}, "$.tag[]"),
        ({**GOOD, "tag": ["a\x00"]}, "$.tag[]"),
        ({**GOOD, "tag": [{"a": 1}]}, "$.tag[]"),
        ({**GOOD, "entry": [{"resource": {"id": "../x"}}]}, "$.entry[].resource.id"),
        ({**GOOD, "entry": [{"resource": {"id": "a", "start": "2026-13-01T00:00:00Z"}}]}, "$.entry[].resource.start"),
        ([GOOD], "$"),
        (b"{", "$"),
        (b'{"resourceType":"Bundle"} {}', "$"),
        (b'{"resourceType":"Bundle","x":NaN}', "$"),
        (b'{"resourceType":"Bundle","x":"\xff"}', "$"),
        (b'{"resourceType":"Patient","resourceType":"Bundle"}', "$"),
        (b'{"resourceType":"Bundle","x":{"a":1,"a":2}}', "$"),
        (b'{"resourceType":"Bundle","resource\\u0054ype":"Bundle"}', "$"),
        (b'{"resourceType":"Bundle","x":' + b"[" * 70 + b"]" * 70 + b"}", "$"),
        (b'{"resourceType":"Bundle","x":"' + b"a" * LIMIT + b'"}', "$"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_path(message, path):
    with pytest.raises(BodyRefused) as refused:
        run(message)
    assert refused.value.fields["path"] == path


leaves = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.text(max_size=8).filter(lambda k: k not in ("tag", "total", "active")),
        anything,
        max_size=5,
    )
)
def test_nothing_unlisted_ever_crosses(extra):
    kept = run({**extra, **GOOD})
    assert json.loads(kept.body) == GOOD


@pytest.mark.parametrize(
    "paths", [("a", "a"), ("a.b", "a"), ("a", "a.b"), ("a[].b", "a.c"), ("",), ("a..b",)]
)
def test_contradicting_paths_are_no_shape(paths):
    with pytest.raises(ValueError, match=r"path|twice"):
        compiled([Field(path, "string") for path in paths])

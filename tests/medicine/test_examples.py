"""Medicine passes: the official examples cross whole and unchanged, or only as far as they are allowed."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from importlib.resources import files

import pytest

from network.gateway.fhir.compile import compiled
from network.gateway.frames import Frame, Kind
from network.gateway.protocols.fhir import Fhir
from tests.medicine.channels import WHOLE, minimal
from tests.medicine.examples import COUNT, definitions, examples
from tests.medicine.false_hits import hits

pytestmark = pytest.mark.timeout(180)


def ask(example):
    return Frame(Kind.ASK, 1, "POST", f"/fhir/{example.type}", WHOLE.peer, body=example.body)


def told(body):
    return json.loads(body, parse_float=Decimal, parse_constant=pytest.fail)


def test_the_examples_are_those_that_we_mean():
    assert len(examples()) == COUNT
    types = Counter(one.type for one in examples())
    assert len(types) > 110
    assert {"Patient", "Observation", "Appointment", "MedicationRequest", "Bundle"} <= set(types)


def test_all_of_them_cross_whole_and_unchanged():
    plan = Fhir().plan(WHOLE)
    for example in examples():
        crossing = plan.ask(ask(example))
        assert told(crossing.body) == example.value, example.name
        assert (crossing.dropped, crossing.masked, crossing.inert) == (0, 0, 0), example.name
        assert plan.call(crossing.body).target == f"/fhir/{example.type}"


def test_numbers_keep_their_digits():
    plan = Fhir().plan(WHOLE)
    digits = Counter()
    for example in examples():
        was: list[str] = []
        now: list[str] = []
        json.loads(example.body, parse_float=was.append)
        json.loads(plan.ask(ask(example)).body, parse_float=now.append)
        assert was == now, example.name
        digits.update(was)
    assert sum(n for text, n in digits.items() if text.endswith("0")) > 100


def allowed(value, tree):
    """Return what of `value` the paths in `tree` name: an oracle that shares nothing with the gateway."""
    kept = {}
    for step, below in tree.items():
        name = step.removesuffix("[]")
        if name not in value:
            continue
        item = value[name]
        if step.endswith("[]"):
            kept[name] = [allowed(one, below) if below else one for one in item]
        else:
            kept[name] = allowed(item, below) if below else item
    return kept


def tree(paths):
    root = {}
    for path in paths:
        place = root
        for step in path.split("."):
            place = place.setdefault(step, {})
    return root


def count(value):
    if isinstance(value, dict):
        return len(value) + sum(count(one) for one in value.values())
    return sum(count(one) for one in value) if isinstance(value, list) else 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_under_a_minimising_policy_only_allowed_fields_cross(seed):
    channel = minimal(seed)
    plan = Fhir().plan(channel)
    trees = {r.type: tree(f.path for f in r.fields) for r in channel.resources}
    crossed = dropped = 0
    for example in examples():
        crossing = plan.ask(ask(example))
        wanted = {"resourceType": example.type, **allowed(example.value, trees[example.type])}
        body = told(crossing.body)
        assert body == wanted, example.name
        assert crossing.dropped == count(example.value) - count(body), example.name
        crossed += count(body)
        dropped += crossing.dropped
    assert crossed > 3 * COUNT
    assert dropped > crossed


def test_the_compiled_definitions_are_what_the_package_says(tmp_path):
    shipped = files("network.gateway.fhir").joinpath("r4.json").read_text()
    assert compiled(definitions(tmp_path)) == shipped


def test_false_hits_are_few_and_known():
    """`python -m tests.medicine.false_hits` shows them: above all telephone numbers of other countries."""
    assert len({name for name, *_ in hits()}) <= 6
    assert not [h for h in hits() if h[2] == "id-card" and h[1] != "(attachment)"]


def test_by_default_few_examples_are_refused_for_a_number():
    plan = Fhir().plan(replace(WHOLE, leak="refuse"))
    found = {one.name: plan.ask(ask(one)).found for one in examples()}
    assert {name for name, said in found.items() if said} == {name for name, *_ in hits()}

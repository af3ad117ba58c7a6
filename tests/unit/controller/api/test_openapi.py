"""The API's description: made from the routes, complete, valid, and true of what is answered."""

import ast
import json
import re
from pathlib import Path

import jsonschema
import pytest

from controller.actions.base import Role
from controller.api.openapi import describe
from controller.api.routes import ROUTES
from controller.cli.docs import texts

ROOT = Path(__file__).parents[4]
DOCUMENT = describe(ROUTES)


def test_every_route_written_in_the_code_is_in_the_table_and_in_the_document():
    written = set()
    for file in sorted((ROOT / "controller" / "api").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                "route(" in ast.unparse(d) for d in node.decorator_list
            ):
                written.add(node.name)
    assert written == {route.run.__name__ for route in ROUTES}
    told = {(m.upper(), p) for p, ways in DOCUMENT["paths"].items() for m in ways}
    assert told == {(r.form.method, re.sub(r"<(\w+)>", r"{\1}", r.form.address)) for r in ROUTES}


def test_the_document_is_well_formed():
    assert DOCUMENT["openapi"] == "3.1.0"
    names = [op["operationId"] for ways in DOCUMENT["paths"].values() for op in ways.values()]
    assert len(set(names)) == len(names)
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, ways in DOCUMENT["paths"].items():
        for operation in ways.values():
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))
            for parameter in operation["parameters"]:
                jsonschema.Draft202012Validator.check_schema(parameter["schema"])
            assert operation["responses"]
            assert operation["summary"]


def test_every_reference_points_at_something():
    text = json.dumps(DOCUMENT)
    for target in set(re.findall(r'"\$ref": "([^"]+)"', text)):
        place = DOCUMENT
        for part in target.removeprefix("#/").split("/"):
            place = place[part]


def test_every_route_says_who_may_and_what_it_is_in_both_languages():
    for route in ROUTES:
        assert route.form.sentence.zh
        assert route.form.sentence.en
        assert route.form.roles is None or route.form.roles
    public = {r.form.address for r in ROUTES if r.form.roles is None}
    joining = {f"/api/v1/join{rest}" for rest in ("", "/authority", "/hello", "/progress")}
    entering = {f"/api/v1/login{rest}" for rest in ("", "/factor", "/factor/bind")}
    assert public == {"/api", *entering, *joining}  # a joining node has a token's secret


@pytest.mark.parametrize("name", ["openapi.json", "cli.md"])
def test_the_committed_reference_is_up_to_date(name):
    held = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    assert held == texts()[name], "run: hbox docs write"


def test_answers_are_what_the_document_says(site):
    people = {name: site.administrator(f"{name}admin") for name in ("sys", "sec", "aud")}
    readers = {Role.SYSTEM: people["sys"], Role.AUDIT: people["aud"], Role.SECURITY: people["sec"]}
    system = people["sys"]
    system.post("/vms", {"name": "doc-1", "zone": "intranet"})
    plain = [r.form for r in ROUTES if r.form.method == "GET" and "<" not in r.form.address]
    asked = 0
    for form in plain:
        if form.answer is None:
            continue
        reader = next(one for role, one in readers.items() if role in (form.roles or Role))
        got = reader.ask("GET", form.address)
        assert got.status == 200, (form.address, got.data)
        schema = form.answer.model_json_schema()
        jsonschema.validate(got.json, schema)
        asked += 1
    assert asked >= 12
    served = system.ask("GET", "/api/openapi.json").json
    assert served == json.loads(json.dumps(DOCUMENT))

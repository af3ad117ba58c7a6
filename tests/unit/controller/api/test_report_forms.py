"""A report in each form over the API; what was not made is a clear answer; the schema is published."""

import json
from pathlib import Path

import jsonschema
import pytest

from appliance import clock
from compliance import schema
from compliance.exports import FORMS
from controller.records.session import transaction
from controller.records.tables import ComplianceRun

DATA = {name: form.begins + b" stands for one" for name, form in FORMS.items()}


@pytest.fixture(scope="module")
def reader(site):
    """An administrator of a box with one run in every form and one in the first two only."""
    folder = site.controller.settings.state / "reports"
    with transaction(site.controller.engine) as session:
        for name in ("whole", "bare"):
            (folder / f"{name}.json").write_text("{}")
            (folder / f"{name}.html").write_text("<p>报告</p>")
            session.add(
                ComplianceRun(
                    id=name, at=clock.iso(), seconds=1.0, ruleset="r", digest="d", summary={},
                    json_path=str(folder / f"{name}.json"), html_path=str(folder / f"{name}.html"),
                )
            )  # fmt: skip
    for form, data in DATA.items():
        (folder / f"whole.{form}").write_bytes(data)
    return site.administrator("sysadmin")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_was_made_is_downloaded_as_what_it_is(reader, form):
    got = reader.get(f"/compliance/runs/whole/report?form={form}")
    assert got.status == 200
    assert got.data == DATA[form]
    assert got.headers["content-type"] == FORMS[form].kind
    assert got.headers["content-disposition"] == f'attachment; filename="hbox-whole.{form}"'


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_was_not_made_says_so(reader, form):
    got = reader.get(f"/compliance/runs/bare/report?form={form}")
    assert (got.status, got.code) == (404, "compliance.form_not_made")
    assert reader.get("/compliance/runs/bare/report?form=docx").status == 400


def test_the_schema_is_published_and_is_one(reader):
    got = reader.get("/compliance/schema")
    assert got.status == 200
    assert got.headers["content-type"] == "application/schema+json"
    assert got.data.decode() == schema.text()
    jsonschema.Draft202012Validator.check_schema(json.loads(got.data))


def test_the_schema_in_the_documents_is_the_published_one():
    docs = Path(__file__).parents[4] / "docs/reference/report.schema.json"
    assert docs.read_text("utf-8") == schema.text()

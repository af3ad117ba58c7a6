"""The compliance page offers the forms that are there, and shows the runs over time."""

import re

import pytest

from appliance import clock
from compliance.exports import FORMS
from controller.records import compliance
from controller.records.session import transaction
from controller.records.tables import ComplianceRun


@pytest.fixture
def made(hospital):
    """The furnished run in every form, for one test."""
    with transaction(hospital.engine) as session:
        path = compliance.path(session.get(ComplianceRun, hospital.run), "json")
    files = {name: path.with_suffix(f".{name}") for name in FORMS}
    for name, file in files.items():
        file.write_bytes(FORMS[name].begins)
    yield hospital.run
    for file in files.values():
        file.unlink()


def buttons(reader):
    page = reader("assessor").get("/compliance").get_data(as_text=True)
    return set(re.findall(r'class="button" href="/compliance/runs/[\w-]+/report\.(\w+)"', page))


def test_what_was_made_is_offered_and_handed_out(reader, made) -> None:
    assert buttons(reader) == {"html", "json", "xlsx", "pdf"}
    for name, form in FORMS.items():
        got = reader("assessor").get(f"/compliance/runs/{made}/report.{name}")
        assert got.status_code == 200
        assert got.mimetype == form.kind
        assert got.get_data() == form.begins
        assert f".{name}" in got.headers["Content-Disposition"]


def test_what_was_not_made_is_not_offered(reader, hospital) -> None:
    assert buttons(reader) == {"html", "json"}
    got = reader("assessor").get(f"/compliance/runs/{hospital.run}/report.pdf")
    assert got.status_code == 404
    assert reader("assessor").get(f"/compliance/runs/{hospital.run}/report.exe").status_code == 404


def test_several_runs_are_drawn_over_time_with_and_without_a_rate(reader, hospital) -> None:
    assert "历次检查 Runs over time" not in reader("assessor").get("/compliance").get_data(as_text=True)  # fmt: skip
    with transaction(hospital.engine) as session:
        first = session.get(ComplianceRun, hospital.run)
        for number, band in enumerate((None, [12.5, 80.0])):
            summary = {**first.summary, "band": band} if band else dict(first.summary)
            session.add(
                ComplianceRun(
                    id=f"early-{number}", at=f"2026-10-0{number + 1}T20:00:00.000000+00:00", seconds=1.0,
                    ruleset="r", digest="d", json_path=first.json_path, html_path=first.html_path,
                    summary=summary,
                )
            )  # fmt: skip
    try:
        page = reader("assessor").get("/compliance").get_data(as_text=True)
    finally:
        with transaction(hospital.engine) as session:
            for number in range(2):
                session.delete(session.get(ComplianceRun, f"early-{number}"))
    drawing = page[page.index("历次检查 Runs over time") :]
    assert "2026-10-02" in drawing, "days are Beijing's"
    assert "<polyline" in drawing
    assert clock.iso()[:4] in drawing


def test_runs_of_one_day_are_told_apart_by_the_hour(reader, hospital) -> None:
    with transaction(hospital.engine) as session:
        first = session.get(ComplianceRun, hospital.run)
        for hour in (20, 21):
            session.add(
                ComplianceRun(
                    id=f"hour-{hour}", at=f"2026-10-01T{hour}:05:00.000000+00:00", seconds=1.0,
                    ruleset="r", digest="d" * 64, json_path=first.json_path, html_path=first.html_path,
                    summary=dict(first.summary),
                )
            )  # fmt: skip
    try:
        page = reader("assessor").get("/compliance").get_data(as_text=True)
        got = reader("assessor").get("/compliance/runs/hour-20/report.json")
    finally:
        with transaction(hospital.engine) as session:
            for hour in (20, 21):
                session.delete(session.get(ComplianceRun, f"hour-{hour}"))
    assert "10-02 04:05" in page
    assert "10-02 05:05" in page
    assert "2026-10-02" in got.headers["Content-Disposition"], (
        "named by the day that the page shows"
    )

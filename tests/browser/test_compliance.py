"""An assessor reads what the machine judged and follows a number to the items and their evidence."""

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from sqlalchemy.orm import Session

from compliance.exports import FORMS
from controller.records.tables import ComplianceRun
from tests.browser.hospital import Hospital
from tests.browser.screen import DESK, PHONE, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_number_leads_to_the_conforming_items_and_their_evidence(
    screen: Screen, address: str, hospital: Hospital
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter("assessor", hospital.codes)
    for size, word in ((DESK, "desk"), (PHONE, "phone")):
        screen.sized(size)
        screen.go("/compliance")
        link = screen.driver.find_element(
            By.CSS_SELECTOR, "#judged a[href*='verdict=conform'][href*='host%3Anode1']"
        )
        number = int(link.text)
        screen.go("/compliance" + (link.get_dom_attribute("href") or ""))
        found = screen.driver.find_elements(By.CSS_SELECTOR, "#findings article")
        assert len(found) == number > 0
        assert all("符合" in one.text and "host:node1" in one.text for one in found)
        found[0].find_element(By.TAG_NAME, "summary").click()
        assert "PermitRootLogin no" in found[0].text
        screen.picture(f"{word}-compliance-conform")
        assert not screen.overflow()
        assert not screen.faults()


def test_runs_are_drawn_over_time_and_every_form_is_offered(
    screen: Screen, address: str, hospital: Hospital
) -> None:
    screen.address = address
    files = _earlier_runs(hospital)
    try:
        screen.sized(DESK)
        screen.enter("assessor", hospital.codes)
        for size, word in ((DESK, "desk"), (PHONE, "phone")):
            screen.sized(size)
            screen.go("/compliance")
            drawing = screen.driver.find_element(By.CSS_SELECTOR, ".trend svg")
            assert drawing.size["height"] > 80
            marks = drawing.find_elements(By.TAG_NAME, "polyline")
            assert len(marks) == 4, "two lines, each with its halo"
            links = screen.driver.find_elements(By.CSS_SELECTOR, "a.button[href*='/report.']")
            assert {(one.get_dom_attribute("href") or "").rpartition(".")[2] for one in links} == {
                "html", "json", "xlsx", "pdf",
            }  # fmt: skip
            screen.picture(f"{word}-compliance-trend")
            assert not screen.overflow()
            assert not screen.faults()
    finally:
        for path in files:
            path.unlink()


def _earlier_runs(hospital: Hospital) -> list[Path]:
    """Give the box eight earlier runs, and the newest one its files; return these."""
    with Session(hospital.engine) as session, session.begin():
        newest = session.get(ComplianceRun, hospital.run)
        assert newest is not None
        newest.summary = {**newest.summary, "band": [30.0, 85.0]}
        for number in range(1, 9):
            session.add(
                ComplianceRun(
                    id=f"earlier-{number}", at=f"2026-10-{number + 10}T04:00:00.000000+00:00",
                    seconds=40.0, ruleset=newest.ruleset, digest=newest.digest,
                    json_path=newest.json_path, html_path=newest.html_path,
                    summary={**newest.summary, "band": [10.0 + 2 * number, 95.0 - number]},
                )
            )  # fmt: skip
        files = [Path(newest.json_path).with_suffix(f".{form}") for form in FORMS]
    for path in files:
        path.write_bytes(b"stands for one")
    return files

"""An assessor reads what the machine judged and follows a number to the items and their evidence."""

import pytest
from selenium.webdriver.common.by import By

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

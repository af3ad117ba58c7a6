"""A person supervises the exchange: plots, search, a dead letter delivered again, a look asked for."""

import pytest
from selenium.webdriver.common.by import By

from tests.browser.hospital import Hospital
from tests.browser.screen import DESK, PHONE, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
def exchange(screen: Screen, address: str, hospital: Hospital) -> Screen:
    screen.address = address
    screen.sized(DESK)
    screen.enter("sysadmin", hospital.codes)
    screen.go("/gateway")
    return screen


def numbers(screen: Screen) -> list[int]:
    cells = screen.driver.find_elements(By.CSS_SELECTOR, "#transfers td:first-child a")
    return [int(cell.text) for cell in cells]


def test_three_plots_are_drawn_with_a_gap_where_nobody_looked(exchange: Screen) -> None:
    assert len(exchange.driver.find_elements(By.CSS_SELECTOR, ".plot canvas")) == 3
    told = exchange.driver.execute_async_script(
        "const done = arguments[0];"
        "fetch('/gateway/rate.json?span=60').then((answer) => answer.json()).then(done)"
    )
    passed = told["plots"]["verdicts"][0]["values"]
    assert passed.count(None) >= 5
    assert any(value for value in passed)
    assert len(told["events"]) == len(exchange.driver.find_elements(By.CSS_SELECTOR, ".events li"))


def test_the_search_is_typed_and_found(exchange: Screen) -> None:
    everything = numbers(exchange)
    exchange.type("who", "his-standin")
    exchange.press("查找")
    found = numbers(exchange)
    assert found
    assert found != everything
    rows = exchange.driver.find_elements(By.CSS_SELECTOR, "#transfers tbody tr")
    assert all("lab-report" in row.text for row in rows)
    exchange.sized(PHONE)
    assert not exchange.overflow()
    exchange.sized(DESK)


def test_a_form_that_is_being_filled_in_is_not_renewed_away(exchange: Screen) -> None:
    exchange.driver.find_element(By.CSS_SELECTOR, "#dead details summary").click()
    exchange.type("reason", "接收系统已恢复")
    kept = exchange.driver.execute_script(
        "const part = document.querySelector('#trouble');"
        "const event = new CustomEvent('htmx:beforeRequest', "
        "{ bubbles: true, cancelable: true, detail: { elt: part } });"
        "return part.dispatchEvent(event);"
    )
    assert kept is False, "its renewal was not held back"
    exchange.press("重新投递")
    assert "重新投递死信" in exchange.text()
    assert not exchange.faults()


def test_a_look_is_asked_for_with_a_reason(
    screen: Screen, address: str, hospital: Hospital
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter("secadmin", hospital.codes)
    screen.go("/gateway/transfers/9")
    screen.type("reason", "患者投诉：预约未到达医院")
    screen.press("申请查看")
    assert "患者投诉" in screen.text()
    screen.picture("look-asked")
    assert not screen.faults()

"""The second factor as a person meets it: scan, type the code, keep the recovery codes, come again."""

import base64
import io

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from selenium.webdriver.common.by import By

from appliance import clock
from tests.browser.hospital import Hospital
from tests.browser.screen import DESK, PASSWORD, PHONE, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def shown(secret: str, later: int = 0) -> str:
    """What the phone shows now."""
    totp = TOTP(base64.b32decode(secret), 6, hashes.SHA1(), 30)  # noqa: S303 - RFC 6238
    return totp.generate(int(clock.now().timestamp()) + later).decode()


def test_a_first_login_binds_a_factor_and_the_next_one_asks_for_it(
    screen: Screen, strict: Hospital, strict_address: str
) -> None:
    screen.address = strict_address
    screen.sized(DESK)
    screen.faults()
    screen.first_login("sysadmin", strict.codes["sysadmin"])
    drawn = screen.driver.find_element(By.CSS_SELECTOR, ".scan svg")
    assert drawn.size["width"] > 150
    assert io.BytesIO(drawn.screenshot_as_png).read(4) == b"\x89PNG"
    secret = screen.driver.find_element(By.ID, "secret").text.replace(" ", "")
    screen.picture("factor")
    screen.sized(PHONE)
    assert not screen.overflow()
    screen.sized(DESK)
    screen.type("one_time_code", shown(secret))
    screen.press("绑定并登录")
    codes = screen.driver.find_element(By.ID, "codes").text.split()
    assert len(codes) == 10
    assert not screen.overflow()
    screen.picture("factor-codes")
    screen.go("/vms")
    assert "/login" not in screen.driver.current_url
    assert codes[0] not in screen.text()
    assert not screen.faults()
    for code in (shown(secret, 30), codes[0]):
        screen.driver.delete_all_cookies()
        screen.go("/login")
        screen.type("name", "sysadmin")
        screen.type("password", PASSWORD)
        screen.type("one_time_code", code)
        screen.press("登录")
        assert "/login" not in screen.driver.current_url


def test_without_the_code_nobody_comes_in_and_the_page_does_not_say_why(
    screen: Screen, strict: Hospital, strict_address: str
) -> None:
    screen.address = strict_address
    screen.driver.get(strict_address + "/login")
    screen.driver.delete_all_cookies()
    screen.go("/login")
    screen.type("name", "sysadmin")
    screen.type("password", PASSWORD)
    screen.press("登录")
    assert "auth.login_failed" in screen.text()
    screen.faults()
    for path in ("/login/factor", "/login/password"):
        screen.go(path)
        for size in (DESK, PHONE):
            screen.sized(size)
            assert not screen.overflow(), path
    assert not screen.faults()

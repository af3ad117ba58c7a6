"""What the browser tests do at the screen: log in, go, look, and complain of anything unsound."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PASSWORD = "Sample-Phrase-4711"  # of throwaway accounts in a throwaway database
DESK = (1366, 768)
PHONE = (390, 844)


@dataclass
class Screen:
    """A browser window; `faults` collects console errors and requests that failed or went outside."""

    driver: Chrome
    shots: Path
    address: str = ""
    known: set[str] = field(default_factory=set)

    def sized(self, size: tuple[int, int]) -> None:
        """Show pages at this size, as a desk screen or a phone would."""
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1}
        metrics["mobile"] = size == PHONE
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def go(self, path: str) -> None:
        """Open a page and wait until it is complete."""
        self.driver.get(self.address + path)
        self.settled()

    def settled(self) -> None:
        """Wait until the page is complete and its plots are drawn."""
        ready = "return document.readyState === 'complete' && (!document.querySelector('.plot') || !!document.querySelector('.plot canvas, .plot.empty'))"
        WebDriverWait(self.driver, 15).until(lambda driver: driver.execute_script(ready))

    def type(self, name: str, value: str) -> None:
        """Fill in a field by its name."""
        box = self.driver.find_element(By.NAME, name)
        box.clear()
        box.send_keys(value)

    def press(self, words: str) -> None:
        """Press the button that carries these words, and wait for the page after it."""
        button = self.driver.find_element(
            By.XPATH, f"//main//button[contains(normalize-space(.), '{words}')]"
        )
        before = self.driver.find_element(By.TAG_NAME, "html")
        button.click()
        WebDriverWait(self.driver, 15).until(lambda _: _gone(before))
        self.settled()

    def text(self) -> str:
        """What the reader sees."""
        return self.driver.execute_script("return document.body ? document.body.innerText : ''")

    def first_login(self, name: str, code: str) -> None:
        """Log in with the one-time code and set a password, as a person would."""
        self.driver.get(self.address + "/login")
        self.driver.delete_all_cookies()
        self.go("/login")
        self.type("name", name)
        self.type("password", code)
        self.press("登录")
        self.picture("login-first")
        self.type("new_password", PASSWORD)
        self.type("again", PASSWORD)
        self.press("设置并登录")

    def enter(self, name: str, codes: dict[str, str]) -> None:
        """Log in as `name`: by one-time code the first time, by password afterwards."""
        key = f"{self.address} {name}"
        if key not in self.known:
            self.first_login(name, codes[name])
            self.known.add(key)
            return
        self.driver.get(self.address + "/login")
        self.driver.delete_all_cookies()
        self.go("/login")
        self.type("name", name)
        self.type("password", PASSWORD)
        self.press("登录")

    def picture(self, name: str) -> None:
        """Keep a screenshot of the whole page."""
        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}
        )
        (self.shots / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def overflow(self) -> list[str]:
        """What sticks out of the page to the right; scrolling boxes of their own do not count."""
        return self.driver.execute_script(
            "const root = document.documentElement;"
            "if (root.scrollWidth <= root.clientWidth) return [];"
            "const out = [...document.querySelectorAll('body *')]"
            ".filter((e) => Math.max(e.getBoundingClientRect().right, e.getBoundingClientRect().left"
            " + (getComputedStyle(e).overflowX === 'visible' ? e.scrollWidth : 0)) > root.clientWidth + 1)"
            ".slice(0, 5).map((e) => e.outerHTML.slice(0, 120));"
            "return out.length ? out : [`the page is ${root.scrollWidth} wide`];"
        )

    def tab(self) -> dict[str, str]:
        """Press Tab; say what has the focus now and how it is shown."""
        # To whatever has the focus, without naming an element: a part of the page may just renew itself.
        ActionChains(self.driver).send_keys(Keys.TAB).perform()
        return self.driver.execute_script(
            "const e = document.activeElement; const s = getComputedStyle(e);"
            "return {tag: e.tagName, name: e.className, href: e.getAttribute('href') || '',"
            " outline: s.outlineStyle, width: s.outlineWidth, left: String(e.getBoundingClientRect().left)};"
        )

    def faults(self) -> list[str]:
        """Console messages and requests since the last call that should not have been."""
        found = [
            f"console: {entry['message']}"
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]
        asked: dict[str, str] = {}
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            found += _network(message, urlsplit(self.address).netloc, asked)
        return found


def _network(message: dict, own: str, asked: dict[str, str]) -> list[str]:
    parameters = message["params"]
    if message["method"] == "Network.requestWillBeSent":
        url = asked[parameters["requestId"]] = parameters["request"]["url"]
        parts = urlsplit(url)
        foreign = parts.scheme in ("http", "https") and parts.netloc != own
        return [f"outside: {url}"] if foreign else []
    if message["method"] == "Network.responseReceived":
        answer = parameters["response"]
        return [f"{answer['status']}: {answer['url']}"] if answer["status"] >= 400 else []
    if message["method"] == "Network.loadingFailed" and not parameters.get("canceled"):
        return [f"failed: {parameters.get('errorText')} {asked.get(parameters['requestId'])}"]
    return []


def _gone(element) -> bool:
    try:
        element.is_enabled()
    except WebDriverException:
        return True
    return False

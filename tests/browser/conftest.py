"""The real console on loopback with TLS of a throwaway CA, and a headless Chromium in front of it."""

import base64
import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from appliance.ca import Authority
from controller.serve import create_app
from controller.serve.doors import browsers
from tests.browser.hospital import Hospital, blank, furnished
from tests.browser.screen import Screen

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root, in which case Chromium's own sandbox does not start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=zh-CN",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serving(hospital: Hospital) -> Iterator[str]:
    """Serve the console of that hospital; give its address."""
    settings = hospital.settings
    tls = settings.state / "tls"
    tls.mkdir(exist_ok=True)
    authority = Authority(tls / "ca.crt", tls / "ca.key")
    authority.ensure(settings.site_name)
    names = ["localhost", "127.0.0.1"]
    authority.issue(tls / "server.crt", tls / "server.key", names=names, site=settings.site_name)
    server = browsers(create_app(settings), settings, "127.0.0.1")
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{settings.console_port}"
    finally:
        server.stop()
        thread.join(10)


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    return furnished(tmp_path_factory.mktemp("hospital"), port=free_port())


@pytest.fixture(scope="session")
def address(hospital: Hospital) -> Iterator[str]:
    yield from serving(hospital)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    return blank(tmp_path_factory.mktemp("fresh"), port=free_port())


@pytest.fixture(scope="session")
def fresh_address(fresh: Hospital) -> Iterator[str]:
    yield from serving(fresh)


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A box whose administrators need a second factor."""
    return blank(tmp_path_factory.mktemp("strict"), port=free_port(), second_factor="required")


@pytest.fixture(scope="session")
def strict_address(strict: Hospital) -> Iterator[str]:
    yield from serving(strict)


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: `HBOX_SHOTS`, or a folder that pytest keeps for the last three runs."""
    given = os.environ.get("HBOX_SHOTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def spki(certificate: Path) -> str:
    """The digest by which Chromium is told to accept exactly this server's key."""
    held = x509.load_pem_x509_certificate(certificate.read_bytes())
    key = held.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@pytest.fixture(scope="session")
def trusted(request: pytest.FixtureRequest) -> str:
    """The keys of every box that is served, by comma: Chromium is told of them at its start."""
    keys = []
    for name in ("hospital", "fresh", "strict"):
        request.getfixturevalue("address" if name == "hospital" else f"{name}_address")
        box: Hospital = request.getfixturevalue(name)
        keys.append(spki(box.settings.state / "tls" / "server.crt"))
    return ",".join(keys)


@pytest.fixture(scope="session")
def screen(trusted: str, shots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    profile = tmp_path_factory.mktemp("profile")
    own = (f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={trusted}")
    for flag in (*FLAGS, *own):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = Service("/usr/bin/chromedriver", env={**os.environ, "HOME": str(profile)})
    driver = webdriver.Chrome(options, service)
    driver.set_page_load_timeout(30)
    try:
        driver.get("about:blank")
        screen = Screen(driver, shots)
        screen.faults()  # what Chromium itself looked up at its start is not ours
        yield screen
    finally:
        driver.quit()

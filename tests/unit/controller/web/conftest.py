"""The console over a furnished hospital, asked in-process; logging in is the product's own."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from controller.access.logins import Attempt, log_in
from controller.access.sessions import COOKIE
from controller.serve import create_app
from tests.browser.hospital import Hospital, furnished

BASE = "https://box.test"
PASSWORD = "Sample-Phrase-4711"  # of throwaway accounts in a throwaway database


@pytest.fixture(scope="package")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    return furnished(tmp_path_factory.mktemp("hospital"))


@pytest.fixture(scope="package")
def app(hospital: Hospital) -> Flask:
    return create_app(hospital.settings)


@pytest.fixture(scope="package")
def cookies(hospital: Hospital) -> dict[str, tuple[str, str]]:
    """Cookie and CSRF token by account name, each account logged in once with its code."""
    entered = {}
    for name, code in hospital.codes.items():
        attempt = Attempt(name, code, PASSWORD, "10.77.0.1")
        held = log_in(hospital.engine, hospital.settings, attempt)
        entered[name] = (held.cookie, held.csrf)
    return entered


class Reader:
    """A browser without a screen, logged in as one account."""

    def __init__(self, client: FlaskClient, csrf: str) -> None:
        self.client = client
        self.csrf = csrf

    def get(self, path: str, **more):
        return self.client.get(path, base_url=BASE, buffered=True, **more)

    def post(self, path: str, form: dict | None = None, **more):
        data = {"csrf": self.csrf, **(form or {})}
        return self.client.post(path, base_url=BASE, data=data, **more)


@pytest.fixture
def reader(app: Flask, cookies: dict[str, tuple[str, str]]):
    def of(name: str) -> Reader:
        client = app.test_client()
        cookie, csrf = cookies[name]
        client.set_cookie(COOKIE, cookie, domain="box.test", secure=True)
        return Reader(client, csrf)

    return of

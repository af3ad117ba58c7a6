"""A box's controller without the box: real records, a real server on loopback, three administrators."""

import http.client
import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from appliance.ca import Authority
from appliance.secret import Secret
from appliance.settings import Settings
from controller.access import people
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.records.migrate import upgrade
from controller.records.session import open_records, transaction
from controller.records.tables import Node
from tests import postgres

PASSWORD = "Correct-Horse-1"


@dataclass(frozen=True)
class Controller:
    settings: Settings
    engine: Engine
    codes: dict[str, Secret]

    def principal(self, role: Role) -> Principal:
        names = {Role.SYSTEM: "sysadmin", Role.SECURITY: "secadmin", Role.AUDIT: "audadmin"}
        return Principal("-", names.get(role, role.value), role, "", "test")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


@dataclass
class Browser:
    """One person's browser: keeps the cookie, sends the CSRF token."""

    port: int
    context: ssl.SSLContext
    cookie: str = ""
    csrf: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def ask(self, method, path, body=None, headers=None, raw=None) -> Answer:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self.context, timeout=20
        )
        sent = {**self.extra}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if self.csrf and method != "GET":
            sent["X-CSRF-Token"] = self.csrf
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        try:
            connection.request(method, path, body=data, headers=sent)
            got = connection.getresponse()
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            connection.close()

    def get(self, path) -> Answer:
        return self.ask("GET", f"/api/v1{path}")

    def post(self, path, body=None, **headers) -> Answer:
        return self.ask("POST", f"/api/v1{path}", body, headers)

    def log_in(self, name, password, new="") -> Answer:
        body = {"name": name, "password": password}
        got = self.ask("POST", "/api/v1/login", body | ({"new_password": new} if new else {}))
        if got.status == 200:
            self.cookie = got.headers["set-cookie"].split(";")[0]
            self.csrf = got.json["csrf"]
        return got


@dataclass(frozen=True)
class Site:
    """A running web process: its controller, its two doors."""

    controller: Controller
    port: int
    socket: Path
    context: ssl.SSLContext

    def browser(self) -> Browser:
        return Browser(self.port, self.context)

    def administrator(self, name: str) -> Browser:
        """A browser logged in as one of the three; the first time with the one-time code."""
        browser = self.browser()
        got = browser.log_in(name, self.controller.codes[name].reveal(), PASSWORD)
        if got.status != 200:
            got = browser.log_in(name, PASSWORD)
        assert got.status == 200, got.data
        return browser


@dataclass(frozen=True)
class Newborn:
    """A box's first records, made once by the product's own code and copied for each test.

    They lie in `file`, or in the database `name` of the server that runs.
    """

    file: Path
    name: str
    codes: dict[str, Secret]


@pytest.fixture(scope="session")
def newborn(tmp_path_factory) -> Newborn:
    folder = tmp_path_factory.mktemp("newborn")
    url = postgres.fresh(folder, folder / "db" / "hbox.sqlite")
    settings = Settings(state=folder, database_url=url)
    upgrade(settings.database)
    engine = open_records(settings.database)
    with transaction(engine) as session:
        codes = people.ensure_administrators(session)
        session.add(Node(name="node-1"))
    engine.dispose()
    return Newborn(folder / "db" / "hbox.sqlite", str(make_url(url).database), codes)


@pytest.fixture
def controller(tmp_path, newborn) -> Iterator[Controller]:
    """Fresh records for each test."""
    yield from _controller(tmp_path, newborn)


def _controller(tmp_path: Path, newborn: Newborn) -> Iterator[Controller]:
    settings = Settings(
        state=tmp_path / "state",
        run=tmp_path / "run",
        second_factor="optional",  # test_second_factor.py and others of that name ask for it
        console_port=_free_port(),
        database_url=postgres.copied(newborn.name),
    )
    for folder in ("uploads", "audit", "reports", "gateway", "tls", "keys"):
        (settings.state / folder).mkdir(parents=True)
    settings.run.mkdir()
    (settings.state / "db").mkdir()
    if not postgres.RUNNING:
        shutil.copy(newborn.file, settings.state / "db" / "hbox.sqlite")
    engine = open_records(settings.database)
    yield Controller(settings, engine, newborn.codes)
    engine.dispose()


@pytest.fixture(scope="module")
def site(tmp_path_factory, newborn) -> Iterator[Site]:
    """One running web process for all tests of a file."""
    for controller in _controller(tmp_path_factory.mktemp("site"), newborn):
        yield from _site(controller)


def _site(controller: Controller) -> Iterator[Site]:
    from controller.serve import create_app, doors  # noqa: PLC0415 - most tests need no web

    tls = controller.settings.state / "tls"
    authority = Authority(tls / "ca.crt", controller.settings.keys / "ca.key")
    authority.ensure("测试医院")
    authority.issue(
        tls / "server.crt", tls / "server.key", names=["localhost", "127.0.0.1"], site="测试医院"
    )
    url = postgres.as_web(controller.settings.database_url)
    app = create_app(replace(controller.settings, database_url=url))
    servers = [
        doors.browsers(app, controller.settings, "127.0.0.1"),
        doors.peers(app, controller.settings),
    ]
    for server in servers:
        server.prepare()
    threads = [threading.Thread(target=server.serve, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    context = ssl.create_default_context(cafile=str(tls / "ca.crt"))
    yield Site(
        controller,
        controller.settings.console_port,
        controller.settings.run / "api.sock",
        context,
    )
    for server in servers:
        server.stop()
    for thread in threads:
        thread.join(10)
    app.extensions["hbox.engine"].dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

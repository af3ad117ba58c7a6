"""The door: one answer for every failure, the first login, where one goes after it, and out again."""

import io

import pytest
from werkzeug.test import EnvironBuilder

from appliance.settings import Settings
from controller.access.sessions import COOKIE
from controller.serve import create_app
from controller.web import door
from tests.browser.hospital import blank
from tests.unit.controller.web.conftest import BASE, PASSWORD


@pytest.fixture
def box(tmp_path):
    hospital = blank(tmp_path)
    return hospital, create_app(hospital.settings).test_client()


def post(client, path: str, **form):
    return client.post(path, base_url=BASE, data=form)


def test_the_first_login_sets_a_password_and_goes_to_the_wanted_page(box) -> None:
    hospital, client = box
    code = hospital.codes["sysadmin"]
    sent = client.get("/vms?x=1", base_url=BASE)
    assert sent.headers["Location"] == "/login?next=%2Fvms%3Fx%3D1"
    asked = post(client, "/login", name="sysadmin", password=code, next="/vms?x=1")
    assert "设置口令" in asked.get_data(as_text=True)
    weak = post(
        client, "/login/first", name="sysadmin", password=code, new_password="short", again="short"
    )
    assert weak.status_code == 400
    assert "auth.weak_password" in weak.get_data(as_text=True)
    done = post(
        client,
        "/login/first",
        name="sysadmin",
        password=code,
        new_password=PASSWORD,
        again=PASSWORD,
        next="/vms?x=1",
    )
    assert done.status_code == 303
    assert done.headers["Location"] == "/vms?x=1"
    cookie = next(c for c in done.headers.getlist("Set-Cookie") if c.startswith(COOKIE))
    for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert client.get("/vms", base_url=BASE).status_code == 200
    client.delete_cookie(COOKIE, domain="box.test")
    again = post(client, "/login", name="sysadmin", password=code)
    assert again.status_code == 401


def test_a_wrong_name_and_a_wrong_password_read_the_same(box) -> None:
    _, client = box
    pages = [
        post(client, "/login", name=name, password="wrong").get_data(as_text=True)
        for name in ("sysadmin", "nobody-here")
    ]
    assert pages[0].replace("sysadmin", "X") == pages[1].replace("nobody-here", "X")
    assert "auth.login_failed" in pages[0]


def test_a_form_from_another_site_logs_nobody_in(box) -> None:
    hospital, client = box
    answer = client.post(
        "/login",
        base_url=BASE,
        data={"name": "sysadmin", "password": hospital.codes["sysadmin"]},
        headers={"Origin": "https://elsewhere.test"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("told", [True, False])
def test_a_form_as_large_as_a_module_is_not_read_before_the_login(box, told) -> None:
    hospital, client = box
    large = io.BytesIO(bytes(hospital.settings.body_limit + 1))
    form = {"name": "sysadmin", "password": "x", "file": (large, "a.bin")}
    environ = EnvironBuilder("/login", base_url=BASE, method="POST", data=form).get_environ()
    if not told:
        del environ["CONTENT_LENGTH"]
        environ["wsgi.input_terminated"] = True
    assert client.open(environ).status_code == 413


def test_logging_out_ends_the_session(box) -> None:
    hospital, client = box
    form = {"name": "sysadmin", "password": hospital.codes["sysadmin"]}
    post(client, "/login/first", **form, new_password=PASSWORD, again=PASSWORD)
    page = client.get("/", base_url=BASE).get_data(as_text=True)
    token = page.split('name="csrf" value="')[1].split('"')[0]
    cookie = client.get_cookie(COOKIE, domain="box.test")
    assert post(client, "/logout", csrf=token).headers["Location"] == "/login"
    assert client.get_cookie(COOKIE, domain="box.test") is None
    client.set_cookie(COOKIE, cookie.value, domain="box.test", secure=True)
    assert client.get("/", base_url=BASE).status_code == 303, "the old cookie still works"


def test_a_page_that_renews_itself_keeps_no_idle_session_alive(box, monkeypatch) -> None:
    seen = []

    def whose(_engine, _settings: Settings, _cookie, *, source, touch):
        seen.append(touch)
        raise door.Unauthenticated

    monkeypatch.setattr(door.sessions, "whose", whose)
    _, client = box
    client.get("/jobs/rows", base_url=BASE)
    answer = client.get("/jobs/rows", base_url=BASE, headers={"HX-Request": "true"})
    assert seen == [True, False]
    assert answer.headers["HX-Redirect"] == "/login"


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/vms", "/vms"),
        ("https://elsewhere.test/", "/"),
        ("//elsewhere.test/", "/"),
        ("/\\elsewhere.test", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_off_the_box_after_a_login(asked: str, goes: str) -> None:
    assert door.inside(asked) == goes

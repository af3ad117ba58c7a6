"""The pages of the second factor: bound at the first login, shown once, asked for at the next one."""

import base64
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from appliance import clock
from controller.access.sessions import COOKIE
from controller.serve import create_app
from tests.browser.hospital import blank
from tests.unit.controller.web.conftest import BASE, PASSWORD


@pytest.fixture
def box(tmp_path):
    hospital = blank(tmp_path, second_factor="required")
    return hospital, create_app(hospital.settings).test_client()


def post(client, path: str, **form):
    return client.post(path, base_url=BASE, data=form)


def said(answer) -> str:
    return answer.get_data(as_text=True)


def shown(secret: str, later: int = 0) -> str:
    totp = TOTP(base64.b32decode(secret), 6, hashes.SHA1(), 30)  # noqa: S303 - RFC 6238
    return totp.generate(int(clock.now().timestamp()) + later).decode()


def on_offer(page: str) -> tuple[str, str]:
    secret = re.search(r'id="secret"[^>]*>([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    return secret, re.search(r'name="ticket" value="([^"]+)"', page)[1]


def first(hospital, client, name="sysadmin", **more):
    form = {"name": name, "password": hospital.codes[name], "next": "/vms"}
    return post(client, "/login/first", **form, new_password=PASSWORD, again=PASSWORD, **more)


def test_the_whole_way_from_the_first_code_to_the_second_login(box):
    hospital, client = box
    page = said(first(hospital, client))
    secret, ticket = on_offer(page)
    assert "<svg" in page
    assert client.get_cookie(COOKIE, domain="box.test") is None
    wrong = post(client, "/login/factor/bind", ticket=ticket, one_time_code="12", next="/vms")
    assert wrong.status_code == 400
    assert on_offer(said(wrong)) == (secret, ticket)
    bound = post(
        client, "/login/factor/bind", ticket=ticket, one_time_code=shown(secret), next="/vms"
    )
    codes = re.search(r'id="codes"[^>]*>([^<]+)<', said(bound))[1].split()
    assert len(codes) == 10
    assert 'href="/vms"' in said(bound)
    assert bound.headers["Cache-Control"] == "no-store"
    assert client.get("/vms", base_url=BASE).status_code == 200
    client.delete_cookie(COOKIE, domain="box.test")
    given = {"name": "sysadmin", "password": PASSWORD}
    assert post(client, "/login", **given).status_code == 401
    assert post(client, "/login", **given, one_time_code=shown(secret, 30)).status_code == 303
    client.delete_cookie(COOKIE, domain="box.test")
    assert post(client, "/login", **given, one_time_code=codes[3]).status_code == 303


def test_a_password_alone_brings_an_administrator_to_the_binding_and_no_further(box):
    hospital, client = box
    first(hospital, client)
    page = post(client, "/login", name="sysadmin", password=PASSWORD)
    assert on_offer(said(page))
    assert client.get("/vms", base_url=BASE).status_code == 303


def test_a_ticket_that_is_none_and_a_wrong_password_are_told(box):
    hospital, client = box
    over = post(client, "/login/factor/bind", ticket="x" * 40, one_time_code="123456")
    assert (over.status_code, "auth.offer_over" in said(over)) == (401, True)
    first(hospital, client)
    wrong = post(client, "/login/factor", name="sysadmin", password="no", one_time_code="")
    assert (wrong.status_code, "auth.login_failed" in said(wrong)) == (401, True)
    good = post(client, "/login/factor", name="sysadmin", password=PASSWORD, one_time_code="")
    assert on_offer(said(good))


def test_the_password_is_changed_with_the_present_one(box):
    hospital, client = box
    secret, ticket = on_offer(said(first(hospital, client)))
    post(client, "/login/factor/bind", ticket=ticket, one_time_code=shown(secret))
    client.delete_cookie(COOKIE, domain="box.test")
    form = {"name": "sysadmin", "password": PASSWORD, "new_password": "Other-Phrase-4712"}
    differ = post(client, "/login/password", **form, again="x", one_time_code="")
    assert (differ.status_code, "input.bad" in said(differ)) == (400, True)
    alone = post(client, "/login/password", **form, again=form["new_password"], one_time_code="")
    assert (alone.status_code, "auth.login_failed" in said(alone)) == (401, True)
    whole = {**form, "again": form["new_password"], "one_time_code": shown(secret, 30)}
    assert post(client, "/login/password", **whole).status_code == 303


def test_the_pages_before_the_login_hold_nothing_of_anybody(box):
    _, client = box
    for path in ("/login/factor", "/login/password"):
        page = client.get(path, base_url=BASE)
        assert page.status_code == 200
        assert "sysadmin" not in said(page)

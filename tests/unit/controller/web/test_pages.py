"""Every page of the menu, for every role: who may see it, title, both languages, nothing inline."""

import pkgutil
import re
from html.parser import HTMLParser

import pytest

from controller.actions.base import Role
from controller.web import pages
from controller.web.menu import MENU, OUTSIDE
from controller.web.route import Route
from controller.workers.daily import today

ACCOUNTS = {
    Role.SYSTEM: "sysadmin",
    Role.SECURITY: "secadmin",
    Role.AUDIT: "audadmin",
    Role.VENDOR: "meditech",
    Role.AUDITOR: "assessor",
    Role.TENANT: "labdept",
}
READ = [route for entry in MENU for route in entry.routes if route.method == "GET"]
WRITE = [route for entry in MENU for route in entry.routes if route.method == "POST"]


class Page(HTMLParser):
    """What matters of a page: tags with attributes, and its languages."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def filled(route: Route, hospital) -> str:
    parts = {
        "job_id": hospital.jobs["failed"],
        "vm_id": hospital.vms["reports-1"],
        "origin": hospital.vms["reports-1"],
        "node": "node1",
        "nic_id": hospital.look,
        "token_id": hospital.look,
        **hospital.ids,
        "module_id": "his-standin",
        "number": "7",
        "run_id": hospital.run,
        "form": "json",
        "alert_id": hospital.look,
        "delivery": hospital.look,
        "channel": "booking",
        "look_id": hospital.look,
        "export_id": hospital.export,
        "day": today().name,
        "change": "1",
        "subject": "person:site",
        "item": "8.1.1.1.a",
        "paper_id": hospital.look,
        "ref": "boundary:fw-1",
    }
    # A node's page and an account's page both call their part "name".
    parts["name"] = "meditech" if route.rule.startswith("/accounts") else "node1"
    filled_in = re.sub(r"<(\w+)>", lambda part: parts[part[1]], route.rule)
    return f"{filled_in}?disk=node1:/dev/sdc" if route.rule == "/storage/disk" else filled_in


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("route", READ, ids=lambda route: route.rule)
def test_a_page_opens_for_its_roles_and_for_no_other(route: Route, role, reader, hospital) -> None:
    answer = reader(ACCOUNTS[role]).get(filled(route, hospital))
    if role not in route.roles:
        assert answer.status_code == 403
        return
    vendor_sees_no_foreign_job = role is Role.VENDOR and route.rule.startswith("/jobs/<")
    nobody_opens_anothers_look = role is Role.AUDIT and "/looks/" in route.rule
    nobody_sits_at_anothers_console = role is Role.TENANT and "/consoles/<" in route.rule
    foreign = (
        vendor_sees_no_foreign_job or nobody_opens_anothers_look or nobody_sits_at_anothers_console
    )
    not_theirs = role is Role.TENANT and route.rule.startswith("/jobs/<")
    assert answer.status_code == (404 if not_theirs else 403 if foreign else 200)


@pytest.mark.parametrize("route", READ, ids=lambda route: route.rule)
def test_a_page_is_sound(route: Route, reader, hospital) -> None:
    role = min(route.roles, key=list(Role).index)
    answer = reader(ACCOUNTS[role]).get(filled(route, hospital))
    if answer.mimetype != "text/html":
        return
    text = answer.get_data(as_text=True)
    page = Page(text)
    assert 'lang="zh-CN"' in text
    assert 'lang="en"' in text
    for tag, attributes in page.tags:
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag != "style"
        assert tag != "script" or attributes.get("src", "").startswith("/assets/"), attributes
        for name in ("src", "href", "action"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or ""), attributes
    if text.startswith("<!doctype"):
        title = re.search(r"<title>(.+) · 医盒 HBox</title>", text)
        assert title, "a page without a title"
        assert [a for t, a in page.tags if t == "a" and a.get("class") == "skip"]
        assert len([t for t, _ in page.tags if t == "h1"]) == 1
        assert len([t for t, _ in page.tags if t == "main"]) == 1


@pytest.mark.parametrize("route", READ, ids=lambda route: route.rule)
def test_every_field_of_a_form_has_a_label(route: Route, reader, hospital) -> None:
    role = min(route.roles, key=list(Role).index)
    text = reader(ACCOUNTS[role]).get(filled(route, hospital)).get_data(as_text=True)
    page = Page(text)
    labelled = {a.get("for") for t, a in page.tags if t == "label"}
    for tag, attributes in page.tags:
        hidden = attributes.get("type") in ("hidden", "checkbox", "radio")
        if tag in ("input", "select", "textarea") and not hidden and "id" in attributes:
            assert attributes["id"] in labelled, attributes


@pytest.mark.parametrize("route", [*READ, *WRITE], ids=lambda r: f"{r.method} {r.rule}")
def test_nobody_gets_in_without_a_login(route: Route, app, hospital) -> None:
    client = app.test_client()
    answer = client.open(filled(route, hospital), method=route.method, base_url="https://box.test")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")


@pytest.mark.parametrize("route", WRITE, ids=lambda route: route.rule)
def test_a_write_needs_role_and_token(route: Route, reader, hospital) -> None:
    address = filled(route, hospital)
    for role in Role:
        person = reader(ACCOUNTS[role])
        person.csrf = "not the token"
        answer = person.post(address)
        assert answer.status_code == 403
        code = "auth.csrf" if role in route.roles else "auth.forbidden"
        assert code in answer.get_data(as_text=True)


def test_the_auditor_has_no_button_that_changes_the_box(reader, hospital) -> None:
    reading = {"/gateway/export", "/gateway/reports/make"}
    harmless = {"/logout", "/language", "/tokens", "/compliance/run", "/gateway/prove", *reading}
    person = reader("assessor")
    for route in READ:
        if Role.AUDITOR not in route.roles:
            continue
        page = Page(person.get(filled(route, hospital)).get_data(as_text=True))
        posts = {a["action"] for t, a in page.tags if t == "form" and a.get("method") == "post"}
        assert posts <= harmless, route.rule


def test_every_endpoint_has_its_own_name() -> None:
    names = [(r.endpoint, r.method) for e in MENU for r in e.routes] + [
        (r.endpoint, r.method) for r in OUTSIDE
    ]
    assert len(names) == len(set(names))


def test_every_page_module_is_in_the_menu() -> None:
    there = {m.name for m in pkgutil.iter_modules(pages.__path__)}
    routes = [r for e in MENU for r in e.routes] + list(OUTSIDE)
    listed = {r.show.__module__.rsplit(".", 1)[-1] for r in routes}
    assert there == listed, "list the page in controller/web/menu.py"

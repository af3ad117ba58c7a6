"""A person walks through every page of the console, at a desk and on a phone."""

import re

import pytest

from controller.actions.base import Role
from controller.web.menu import MENU
from tests.browser.hospital import Hospital
from tests.browser.screen import DESK, PHONE, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WALKERS = {
    Role.SYSTEM: "sysadmin",
    Role.SECURITY: "secadmin",
    Role.AUDIT: "audadmin",
    Role.VENDOR: "meditech",
    Role.AUDITOR: "assessor",
    Role.TENANT: "labdept",
}
PARTIAL = ("/live", "/rows", ".json", ".<form>")


def pages(role: Role, hospital: Hospital) -> list[str]:
    """The addresses of all whole pages that this role may read."""
    values = {
        "job_id": hospital.jobs["running" if role is Role.SYSTEM else "failed"],
        "vm_id": hospital.vms["reports-1"],
        **hospital.ids,
        "module_id": "his-standin",
        "number": "9",
        "run_id": hospital.run,
        "look_id": hospital.look,
        "export_id": hospital.export,
        "change": "1",
        "subject": "person:site",
        "item": "8.1.6.1.a",
    }
    found = []
    for entry in MENU:
        for route in entry.routes:
            if route.method != "GET" or role not in route.roles or route.rule.endswith(PARTIAL):
                continue
            if role in (Role.VENDOR, Role.TENANT) and "job_id" in route.rule:
                continue  # the failed job is none of its modules', of its machines neither
            if "/consoles/<" in route.rule:
                continue  # a console is walked where there is a machine behind it
            if role is Role.AUDIT and "look_id" in route.rule:
                continue  # another one's look
            values["name"] = "meditech" if entry.key == "accounts" else "node1"
            path = re.sub(r"<(\w+)>", lambda part: values[part[1]], route.rule)
            found.append(f"{path}?disk=node3:/dev/sdc" if path == "/storage/disk" else path)
    return found


def shot_name(role: Role, path: str, hospital: Hospital) -> str:
    own = {"run": hospital.run, "look": hospital.look, "export": hospital.export}
    for name, held in {**hospital.vms, **hospital.jobs, **own}.items():
        path = path.replace(held, name)
    return f"{role}{path.replace('/', '-').rstrip('-')}"


@pytest.mark.parametrize("role", list(Role))
def test_every_page_at_both_sizes(
    role: Role, screen: Screen, address: str, hospital: Hospital
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter(WALKERS[role], hospital.codes)
    assert WALKERS[role] in screen.text()
    unsound: dict[str, object] = {}
    for size, word in ((DESK, "desk"), (PHONE, "phone")):
        screen.sized(size)
        for path in pages(role, hospital):
            screen.go(path)
            screen.picture(f"{word}-{shot_name(role, path, hospital)}")
            wrong = screen.overflow() + screen.faults()
            if wrong:
                unsound[f"{word} {path}"] = wrong
    assert not unsound


def test_the_keyboard_reaches_the_content_and_shows_where_it_is(
    screen: Screen, address: str, hospital: Hospital
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter("sysadmin", hospital.codes)
    screen.go("/vms")
    first = screen.tab()
    assert first["name"] == "skip"
    assert float(first["left"]) >= 0, "the skip link stays hidden when it has the focus"
    seen = [screen.tab() for _ in range(14)]
    assert all(one["outline"] != "none" and one["width"] != "0px" for one in seen), seen
    assert "/jobs" in [one["href"] for one in seen]


def test_a_box_right_after_its_first_boot_says_what_to_do(
    screen: Screen, fresh_address: str, fresh: Hospital
) -> None:
    screen.address = fresh_address
    screen.sized(DESK)
    screen.faults()
    screen.driver.get(fresh_address + "/login")
    screen.picture("login")
    screen.sized(PHONE)
    screen.picture("login-phone")
    assert not screen.overflow()
    screen.sized(DESK)
    screen.enter("sysadmin", fresh.codes)
    for path in ("/", "/vms", "/modules", "/gateway", "/compliance", "/nodes/node1", "/jobs"):
        screen.go(path)
        screen.picture(f"fresh{path.replace('/', '-')}")
        assert not screen.overflow(), path
    assert not screen.faults()


def test_the_english_can_be_hidden_and_shown_again(
    screen: Screen, address: str, hospital: Hospital
) -> None:
    screen.address = address
    screen.sized(DESK)
    screen.enter("sysadmin", hospital.codes)
    screen.go("/")
    assert "Overview" in screen.text()
    screen.driver.find_element("xpath", "//button[contains(., '隐藏英文')]").click()
    screen.settled()
    assert "Overview" not in screen.text()
    assert "总览" in screen.text()
    screen.driver.find_element("xpath", "//button[contains(., '显示英文')]").click()
    screen.settled()
    assert "Overview" in screen.text()

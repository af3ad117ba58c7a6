"""Mending over the API: remedies are told, roles are held, a wish becomes the right job."""

import pytest

from compliance.checks import CHECKS
from controller.records import mending
from controller.records.session import reading

NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def people(site):
    return {name: site.administrator(f"{name}admin") for name in ("sys", "sec", "aud")}


@pytest.fixture
def home(site):
    with reading(site.controller.engine) as session:
        return mending.home(session)


def test_every_check_has_a_remedy_or_advice(people):
    items = people["aud"].get("/compliance/remedies").json["items"]
    assert [one["check"] for one in items] == [check.id for check in CHECKS]
    by = {one["check"]: one for one in items}
    assert by["sshd_limits"]["lockout"] == "ssh"
    assert not by["sshd_limits"]["safe"]
    assert by["usb_storage"]["safe"]
    assert by["boot_trust"]["id"] == ""
    assert all(one["text"]["zh"] and one["text"]["en"] for one in items)


def test_a_wish_becomes_a_job_on_the_home_node(people, home):
    dry = people["sec"].post("/compliance/mendings", {"remedies": ["faillock"], "dry_run": True})
    assert (dry.status, dry.json["kind"]) == (202, "compliance.mend.plan")
    asked = {"remedies": ["usb_storage", "faillock"], "seconds": 60}
    made = people["sys"].post("/compliance/mendings", asked)
    assert made.json["action"] == {"node": home, "remedies": "faillock,usb_storage", "seconds": 60}
    assert made.json["object"] == f"node/{home}"


@pytest.mark.parametrize(
    ("who", "path", "body", "status"),
    [
        ("aud", "/compliance/mendings", {"remedies": ["faillock"]}, 403),
        ("aud", f"/compliance/mendings/{NOBODYS}/undo", {}, 403),
        ("sec", f"/compliance/mendings/{NOBODYS}/undo", {}, 404),
        ("sec", "/compliance/mendings", {"remedies": ["boot_trust"]}, 400),
        ("sec", "/compliance/mendings", {"remedies": ["no such; rm -rf /"]}, 400),
        ("sec", "/compliance/mendings", {"remedies": ["faillock"], "seconds": 1}, 400),
        ("sec", "/compliance/mendings", {"remedies": ["faillock"], "node": "other"}, 404),
        ("sec", "/compliance/mendings", {}, 409),
        ("sec", "/compliance/mendings", {"safe": True}, 404),
    ],
)
def test_what_cannot_be_asked_is_refused(people, who, path, body, status):
    assert people[who].post(path, body).status == status


def test_nothing_was_mended_yet(people):
    assert people["aud"].get("/compliance/mendings").json["items"] == []
    assert people["aud"].get(f"/compliance/mendings/{NOBODYS}").status == 404

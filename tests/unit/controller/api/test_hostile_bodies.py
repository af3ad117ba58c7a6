"""Hostile text in every field of every body: refused by name with a hint, or kept as the text it is."""

import json

import pytest
from sqlalchemy import func, select

from controller.actions.base import Role
from controller.api.routes import ROUTES
from controller.records.session import reading
from controller.records.tables import Job
from tests.unit.controller.api.program import Web

pytestmark = pytest.mark.wide

FORMS = [route.form for route in ROUTES if route.form.body is not None]
HOSTILE = {
    "nul": "a\x00b",
    "lone surrogate": "\ud800",
    "right to left": "\u202egnp.exe",
    "zero width": "vm\u200b-1",
    "full width": "ｖｍ－１",
    "newline": "vm-1\nroot: true",
    "shell": "$(reboot);`reboot`|reboot",
    "argument": "--force",
    "path": "../../../etc/shadow",
    "xml": "</name><disk type='file'><source file='/etc/shadow'/></disk>",
    "entity": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/shadow">]><a>&b;</a>',
    "cloud-init": "#cloud-config\nruncmd: [[sh, -c, 'reboot']]\n",
    "not cloud-init": "#!/bin/sh\nreboot\n",
    "yaml tag": "#cloud-config\nusers: !!python/object/apply:os.system ['reboot']\n",
    "format": "{vm_id.__class__} %s %n",
    "long": "a" * 70_000,
    "number": 10**400,
    "negative": -1,
    "deep": None,
}


@pytest.fixture(scope="module")
def web(tmp_path_factory, newborn):
    from tests.unit.controller.conftest import _controller  # noqa: PLC0415

    for controller in _controller(tmp_path_factory.mktemp("hostile"), newborn):
        made = Web(controller)
        made.vm("vm-1")
        yield made
        made.close()


def raw(form, what, field):
    """A body whose other fields may be right or not there; written as text, so that all of it arrives."""
    if what == "deep":
        return b'{"%s":' % field.encode() + b"[" * 60_000 + b"]" * 60_000 + b"}"
    known = {
        "name": "good-name",
        "zone": "intranet",
        "role": "auditor",
        "right": "view",
        "path": "/",
    }
    body = {k: v for k, v in known.items() if k in form.body.model_fields}
    return json.dumps(body | {field: HOSTILE[what]}).encode()


@pytest.mark.parametrize("what", list(HOSTILE))
def test_hostile_values(web, what):
    keys = {role: web.key(web.account(role)) for role in (Role.SYSTEM, Role.SECURITY, Role.AUDIT)}
    refused = 0
    for form in FORMS:
        role = next((r for r in keys if form.roles is None or r in form.roles), Role.SYSTEM)
        for field in form.body.model_fields:
            address = form.address.replace("<vm>", "vm-1").replace("<", "").replace(">", "")
            got = web.client.open(
                address,
                method=form.method,
                data=raw(form, what, field),
                content_type="application/json",
                headers={"Authorization": f"Bearer {keys[role]}"},
            )
            assert got.status_code < 500 or got.json["error"]["code"] == "part.unavailable", (
                form.name,
                field,
                got.data,
            )
            if got.status_code >= 400:
                error = got.json["error"]
                assert error["code"] != "box.error"
                assert error["hint"]["zh"]
                assert error["hint"]["en"]
                assert len(got.data) < 8192, "what was sent is not sent back whole"
                refused += 1
    assert refused > len(FORMS) / 2


def test_nothing_of_it_was_written_into_a_job_as_an_object_or_a_title(web):
    """Whatever was taken is an action with sound fields: no control character in what people read."""
    with reading(web.engine) as session:
        assert session.scalar(select(func.count()).select_from(Job)) > 0
        for job in session.scalars(select(Job)):
            text = job.object + job.title_zh + job.title_en
            # A reason may have lines; nothing else that cannot be seen.
            assert text.replace("\n", " ").isprintable(), text


@pytest.mark.parametrize(
    "part", ["%00", "%ff", "a%0ab", "..%2f..", "%e2%80%ae", "a" * 200, "'", "<x>"]
)
def test_hostile_parts_of_addresses_are_not_there(web, part):
    key = web.key("sysadmin")
    for route in ROUTES:
        form = route.form
        if "<" not in form.address or form.method != "GET" or form.address.endswith("/wait"):
            continue
        head, _, tail = form.address.partition("<")
        got = web.client.get(
            head + part + tail.partition(">")[2].replace("<", "").replace(">", ""),
            headers={"Authorization": f"Bearer {key}"},
        )
        assert got.status_code in (403, 404), (form.address, part, got.data)

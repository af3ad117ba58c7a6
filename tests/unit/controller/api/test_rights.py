"""Every route by every role and every grant: who comes in, what they may do, and that nothing leaks."""

import re
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from appliance import chance, clock
from controller.access import sessions
from controller.actions import ACTIONS
from controller.actions.base import Role
from controller.api.route import Form
from controller.api.routes import ROUTES
from controller.records.cluster import ConsoleSession, Snapshot
from controller.records.session import reading, transaction
from controller.records.tables import Account, Job, Node
from controller.web.menu import MENU
from tests.unit.controller.api.program import Web

pytestmark = pytest.mark.wide

FORMS = [route.form for route in ROUTES]
RIGHTS = ("", "view", "operate", "manage")
# What a tenant may ask for, and the right that it takes. A new route for tenants must be written here.
WRITES: dict[str, tuple[str, dict | None]] = {
    "POST /vms": ("manage", {"name": "new-vm", "zone": "intranet", "tenant": "{tenant}"}),
    "POST /vms/<vm>/start": ("operate", None),
    "POST /vms/<vm>/stop": ("operate", {}),
    "POST /vms/<vm>/pause": ("operate", None),
    "POST /vms/<vm>/resume": ("operate", None),
    "POST /vms/<vm>/reset": ("operate", None),
    "POST /vms/<vm>/resize": ("manage", {"vcpus": 1}),
    "POST /vms/<vm>/nics": ("manage", {}),
    "DELETE /vms/<vm>/nics/<nic>": ("manage", None),
    "POST /vms/<vm>/snapshots": ("operate", {"name": "snap-2"}),
    "POST /vms/<vm>/snapshots/<snapshot>/rollback": ("manage", None),
    "DELETE /vms/<vm>/snapshots/<snapshot>": ("manage", None),
    "POST /vms/<vm>/clone": ("manage", {"name": "new-clone"}),
    "POST /vms/<vm>/console": ("operate", {"what": "screen"}),
    "DELETE /vms/<vm>": ("manage", None),
    "POST /volumes": ("manage", {"name": "new-volume", "gib": 1, "tenant": "{tenant}"}),
    "POST /volumes/<volume>/attach": ("operate", {"vm": "{vm}"}),
    "POST /volumes/<volume>/detach": ("operate", None),
    "POST /volumes/<volume>/grow": ("manage", {"gib": 9}),
    "POST /volumes/<volume>/snapshots": ("operate", {"name": "snap-2"}),
    "POST /volumes/<volume>/snapshots/<snapshot>/rollback": ("manage", None),
    "DELETE /volumes/<volume>/snapshots/<snapshot>": ("manage", None),
    "POST /volumes/<volume>/clone": ("manage", {"name": "new-clone", "snapshot": "snap"}),
    "DELETE /volumes/<volume>": ("manage", None),
}
READS = (
    "GET /vms", "GET /vms/<vm>", "GET /vms/<vm>/snapshots", "GET /volumes", "GET /volumes/<volume>",
    "GET /tenants", "GET /tenants/<tenant>",
)  # fmt: skip
# What everybody has of their own, and what ends or belongs to one's own.
OWN = {
    "POST /logout", "GET /session", "GET /jobs", "GET /jobs/<job>", "GET /jobs/<job>/wait",
    "GET /jobs/<job>/log", "DELETE /jobs/<job>", "GET /tokens", "POST /tokens",
    "DELETE /tokens/<token>", "POST /consoles/<console>/ticket",
}  # fmt: skip

# What is the same for all: what machines can be made from.
EVERYBODYS = {"GET /templates", "GET /templates/<template>"}


def called(form: Form) -> str:
    return f"{form.method} {form.address.removeprefix('/api/v1')}"


class World:
    """Two tenants with the same things each; `things` has what to put into addresses."""

    def __init__(self, controller):
        self.web = Web(controller)
        self.things = {}
        with transaction(self.web.engine) as session:
            node = session.get(Node, "node-1")
            node.facts = {"memory": {"total_mib": 65536}}
        for at, name in enumerate(("red", "blue")):
            self.web.tenant(name)
            vm = self.web.vm(f"{name}-secret-vm", name, at=10 + at)
            volume, snapshot, console = self.web.volume(name), chance.new_id(), chance.new_id()
            with transaction(self.web.engine) as session:
                session.add(
                    Snapshot(
                        id=snapshot,
                        vm_id=vm,
                        name=f"{name}-secret-snap",
                        volumes=[],
                        state="ready",
                        job_id="-",
                        created_at=clock.iso(),
                    )
                )
                session.add(
                    ConsoleSession(
                        id=console,
                        vm_id=vm,
                        vm_name=f"{name}-secret-vm",
                        account="sysadmin",
                        kind="screen",
                        state="asked",
                        job_id="-",
                        asked_at=clock.iso(),
                    )
                )
            self.things[name] = {
                "tenant": name,
                "vm": vm,
                "volume": volume,
                "snapshot": snapshot,
                "console": console,
                "nic": chance.new_id(),
            }
            key = self.web.key("sysadmin")
            job = self.web.ask(key, "POST", f"/api/v1/vms/{vm}/stop", {}).json
            self.things[name]["job"] = job["id"]

    def key(self, right: str) -> str:
        """A program of a tenant's account that has `right` on all that is red."""
        name = self.web.account(Role.TENANT, f"ten-{right or 'none'}")
        if right and not self.web.principal(name).limits[0]:
            self.web.grant(name, right, "/tenants/red")
        return self.web.key(name)

    def ask(self, key: str, what: str, whose: str, body=None):
        method, address = what.split(" ", 1)
        things = self.things[whose]
        prefix = "" if address.startswith(("/api", "/metrics")) else "/api/v1"
        if "/volumes/" in address:
            things = {**things, "snapshot": "snap-1"}  # those go by name
        filled = re.sub(r"<(\w+)>", lambda part: str(things.get(part[1], "1")), address)
        if body is not None:
            body = {k: v.format(**things) if isinstance(v, str) else v for k, v in body.items()}
        return self.web.ask(key, method, prefix + filled, body)

    def jobs(self) -> int:
        with reading(self.web.engine) as session:
            return session.scalar(select(func.count()).select_from(Job))


@pytest.fixture(scope="module")
def world(tmp_path_factory, newborn):
    from tests.unit.controller.conftest import _controller  # noqa: PLC0415

    memory = Path("/dev/shm")  # a thousand requests, of which most are written into the audit chain
    where = str(memory) if memory.is_dir() else str(tmp_path_factory.getbasetemp())
    with tempfile.TemporaryDirectory(prefix="hbox-rights-", dir=where) as folder:
        for controller in _controller(Path(folder), newborn):
            made = World(controller)
            yield made
            made.web.close()


def test_the_tables_of_this_test_name_every_route_that_tenants_may_come_to():
    open_to_tenants = {called(form) for form in FORMS if form.roles and Role.TENANT in form.roles}
    assert open_to_tenants == {*WRITES, *READS, *OWN, *EVERYBODYS}


def test_every_route_refuses_every_role_that_it_does_not_name(world):
    refused = 0
    for role in Role:
        key = world.web.key(world.web.account(role))
        for form in FORMS:
            if form.roles is None or role in form.roles:
                continue
            got = world.ask(key, called(form), "red")
            assert got.status_code == 403, (role, called(form), got.data)
            assert got.json["error"]["code"] == "auth.forbidden"
            refused += 1
    assert refused > 250


def test_every_route_but_the_open_ones_refuses_nobody(world):
    public = {"GET /api", "POST /login"}
    for form in FORMS:
        got = world.web.client.open(
            form.address.replace("<", "").replace(">", ""),
            method=form.method,
            environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
        )
        shut = got.status_code == 401 and got.json["error"]["code"] == "auth.required"
        assert shut or called(form) in public or form.roles is None, called(form)


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("what", list(WRITES))
def test_what_a_grant_lets_be_done(world, what, right):
    enough, body = WRITES[what]
    key, order = world.key(right), RIGHTS.index
    mine = world.ask(key, what, "red", body)
    if order(right) >= order(enough):
        assert mine.status_code not in (401, 403), mine.data
        assert mine.status_code < 500
    else:
        assert mine.status_code in (403, 404), mine.data
    before = world.jobs()
    other = world.ask(key, what, "blue", body)
    assert other.status_code in (403, 404), other.data
    assert world.jobs() == before
    assert b"blue-secret" not in other.data


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("what", READS)
def test_what_a_grant_lets_be_seen(world, what, right):
    key = world.key(right)
    mine, other = world.ask(key, what, "red"), world.ask(key, what, "blue")
    single = "<" in what
    assert mine.status_code == (404 if single and not right else 200), mine.data
    assert other.status_code == (404 if single else 200), other.data
    assert b"blue-secret" not in mine.data + other.data
    if not single:
        assert bool(mine.json["items"]) == bool(right)


@pytest.mark.parametrize("right", RIGHTS)
def test_no_route_shows_a_tenant_anything_of_another_one(world, right):
    key = world.key(right)
    for form in FORMS:
        if form.method == "GET" and not form.address.endswith(("/wait", "/events")):
            got = world.ask(key, called(form), "blue")
            assert b"blue-secret" not in got.data, called(form)


@pytest.mark.parametrize("right", RIGHTS[1:])
def test_an_administrators_token_below_a_path_is_held_to_it_like_a_tenant(world, right):
    key = world.web.key("sysadmin", right, "/tenants/red")
    for form in FORMS:
        if form.roles is None or Role.TENANT in form.roles or Role.SYSTEM not in form.roles:
            continue
        assert world.ask(key, called(form), "red").status_code == 403, called(form)
    for what, (enough, body) in WRITES.items():
        got = world.ask(key, what, "red", body)
        may = RIGHTS.index(right) >= RIGHTS.index(enough)
        assert (got.status_code not in (403, 404)) or not may or got.status_code == 404, what
        assert world.ask(key, what, "blue", body).status_code in (403, 404), what


def test_a_tenant_sees_and_stops_its_own_jobs_and_no_others(world):
    key = world.key("operate")
    spare = world.web.vm("red-spare", "red", at=30)
    mine = world.web.ask(key, "POST", f"/api/v1/vms/{spare}/stop", {}).json
    listed = {job["id"] for job in world.ask(key, "GET /jobs", "red").json["items"]}
    assert {mine["id"], world.things["red"]["job"]} <= listed
    assert world.things["blue"]["job"] not in listed
    for what in ("GET /jobs/<job>", "GET /jobs/<job>/log", "DELETE /jobs/<job>"):
        assert world.ask(key, what, "blue").status_code == 404
    gone = world.web.ask(key, "DELETE", f"/api/v1/jobs/{mine['id']}")
    assert gone.json["state"] == "cancelled"
    viewer = world.key("view")
    assert world.ask(viewer, "DELETE /jobs/<job>", "red").status_code == 403


def test_every_action_of_machines_and_volumes_says_who_may(world):
    """Those that a tenant may not ask are few and named: a new action must be thought about."""
    shut = {
        kind
        for kind, action in ACTIONS.items()
        if kind.startswith(("vm.", "volume.")) and Role.TENANT not in action.roles
    }
    assert shut == {"vm.migrate", "vm.mend", "vm.accept", "volume.move"}
    for kind, action in ACTIONS.items():
        if not kind.startswith(("vm.", "volume.")):
            assert Role.TENANT not in action.roles, kind


def test_acts_of_trust_take_a_person():
    by_person = {kind for kind, action in ACTIONS.items() if not action.by_token}
    assert by_person == {
        "account.add", "account.disable", "account.unlock", "account.reset", "grant.add", "grant.remove", "module.trust",
        "module.approve", "gateway.change.approve", "gateway.change.reject", "gateway.look",
        "compliance.answer", "compliance.answer.approve", "compliance.answer.withdraw",
        "compliance.waiver.ask", "compliance.waiver.approve", "compliance.waiver.withdraw",
        "compliance.option.set", "compliance.mend.plan", "compliance.mend", "compliance.undo",
    }  # fmt: skip


def test_no_page_of_the_console_shows_a_tenant_anything_of_another_one(world):
    name = world.web.account(Role.TENANT, "ten-pages")
    world.web.grant(name, "manage", "/tenants/red")
    with transaction(world.web.engine) as session:
        account = session.scalar(select(Account).where(Account.name == name))
        cookie, csrf = sessions.begin(session, account)
    client = world.web.app.test_client()
    client.set_cookie(sessions.COOKIE, cookie, domain="localhost", secure=True)
    things = {
        f"{noun}{tail}": thing
        for noun, thing in world.things["blue"].items()
        for tail in ("", "_id", "_name")
    }
    seen, mine = 0, b""
    for route in [route for entry in MENU for route in entry.routes]:
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda p: str(things.get(p[1], "1")), route.rule)
        form = {"csrf": csrf} if route.method == "POST" else None
        got = client.open(address, method=route.method, data=form, base_url="https://localhost")
        assert b"blue-secret" not in got.data, route.rule
        assert got.status_code < 500, (route.rule, got.data[:500])
        if Role.TENANT not in route.roles:
            assert got.status_code == 403, route.rule
        elif route.method == "GET" and "<" not in route.rule:
            seen += got.status_code == 200
            mine += got.data
    assert seen >= 5
    assert b"red-secret-vm" in mine
    assert not any(job.object == f"vm/{world.things['blue']['vm']}" for job in _asked(world, name))


def _asked(world, name):
    with reading(world.web.engine) as session:
        return list(session.scalars(select(Job).where(Job.actor == name)))

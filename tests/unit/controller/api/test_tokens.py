"""API tokens at the door: less than their owner, shown once, ended at once, and named in the audit."""

import datetime as dt

import pytest
from sqlalchemy import select

from appliance import clock
from controller.access import tokens
from controller.access.throttle import TRIES
from controller.actions.base import Role
from controller.actions.rights import Right, Scope
from controller.records.cluster import ApiToken
from controller.records.session import reading, transaction
from controller.records.tables import Account, AuditEntry, Job
from tests.unit.controller.api.program import Web

NEW = {"name": "n1", "zone": "intranet"}


@pytest.fixture
def web(controller):
    made = Web(controller)
    yield made
    made.close()


def entries(web, act):
    with reading(web.engine) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.act == act)))


def test_a_token_lets_in_and_is_named_as_its_owners(web):
    key = web.key("sysadmin")
    got = web.get(key, "/session").json
    assert (got["name"], got["token"], got["role"]) == ("sysadmin", "t0x", "system")
    assert got["limits"] == [[{"right": "manage", "path": "/"}]]
    job = web.ask(key, "POST", "/api/v1/gateway/proofs").json
    assert job["actor"] == "sysadmin/t0x"
    assert [e.actor for e in entries(web, "gateway.prove")] == ["sysadmin/t0x"]
    assert entries(web, "token.create")[0].object == "token/t0x"


def test_the_key_is_shown_once_and_kept_nowhere(web, site_browser):
    made = site_browser.post("/tokens", {"name": "ci", "right": "view", "days": 3})
    assert made.status == 201
    key = made.json["key"]
    assert key.startswith("hbox_")
    assert len(key) > 40
    assert "key" not in site_browser.get("/tokens").json["items"][0]
    database = web.controller.settings.state / "db"
    for file in database.iterdir():
        assert key.encode() not in file.read_bytes()
    with reading(web.engine) as session:
        assert all(key not in entry.detail for entry in session.scalars(select(AuditEntry)))


@pytest.fixture
def site_browser(web):
    """A person with a session: only a person makes tokens."""

    class Person:
        def __init__(self):
            code = web.controller.codes["sysadmin"].reveal()
            body = {"name": "sysadmin", "password": code, "new_password": "Correct-Horse-1"}
            got = web.client.post("/api/v1/login", json=body, base_url="https://localhost")
            assert got.status_code == 200, got.data
            self.csrf = got.json["csrf"]

        def post(self, path, body=None):
            return Told(
                web.client.post(
                    f"/api/v1{path}",
                    json=body,
                    base_url="https://localhost",
                    headers={"X-CSRF-Token": self.csrf},
                )
            )

        def get(self, path):
            return Told(web.client.get(f"/api/v1{path}", base_url="https://localhost"))

    class Told:
        def __init__(self, got):
            self.status, self.json = got.status_code, got.json

    return Person()


@pytest.mark.parametrize(
    ("right", "get", "prove", "create"),
    [("view", 200, 403, 403), ("operate", 200, 403, 403), ("manage", 200, 202, 202)],
)
def test_a_token_has_no_more_than_its_right(web, right, get, prove, create):
    key = web.key("sysadmin", right)
    assert web.get(key, "/vms").status_code == get
    assert web.ask(key, "POST", "/api/v1/gateway/proofs").status_code == prove
    assert web.ask(key, "POST", "/api/v1/vms", NEW).status_code == create


def test_operate_starts_and_does_not_delete(web):
    vm = web.vm("one", actual="stopped")
    key = web.key("sysadmin", "operate")
    assert web.ask(key, "POST", f"/api/v1/vms/{vm}/start").status_code == 202
    assert web.ask(key, "DELETE", f"/api/v1/vms/{vm}").status_code == 403


def test_a_token_has_no_more_than_its_path(web):
    web.tenant("red")
    red, blue = web.vm("red-1", "red"), web.vm("blue-1", "", at=11)
    key = web.key("sysadmin", "manage", "/tenants/red")
    assert [vm["name"] for vm in web.get(key, "/vms").json["items"]] == ["red-1"]
    assert web.get(key, f"/vms/{red}").status_code == 200
    assert web.get(key, f"/vms/{blue}").status_code == 404
    assert web.get(key, "/vms/blue-1").status_code == 404
    assert web.ask(key, "POST", f"/api/v1/vms/{red}/stop", {}).status_code == 202
    assert web.ask(key, "POST", f"/api/v1/vms/{blue}/stop", {}).status_code in (403, 404)
    assert web.ask(key, "POST", "/api/v1/vms", NEW).status_code == 403
    assert web.get(key, "/nodes").status_code == 403
    assert [t["name"] for t in web.get(key, "/tenants").json["items"]] == ["red"]


def test_a_token_has_no_more_than_its_owner(web):
    key = web.key(web.account(Role.AUDITOR))
    assert web.get(key, "/audit").status_code == 200
    assert web.ask(key, "POST", "/api/v1/vms", NEW).status_code == 403


@pytest.mark.parametrize("key", ["", "hbox_", "hbox_" + "x" * 43, "hbox_" + "x" * 5000, "é", "a b"])
def test_a_wrong_key_is_nobody(web, key):
    got = web.ask(key.encode("utf-8").decode("latin-1"), "GET", "/api/v1/session")
    assert got.status_code == 401, got.data
    assert got.json["error"]["code"] in ("auth.bad_token", "auth.required")


def test_revoked_expired_and_orphaned_tokens_are_dead_at_once(web):
    first, second, third = web.key("sysadmin"), web.key("secadmin"), web.key("audadmin")
    with transaction(web.engine) as session:
        rows = {row.account_id: row for row in session.scalars(select(ApiToken))}
        people = {a.name: a for a in session.scalars(select(Account))}
        rows[people["sysadmin"].id].revoked_at = clock.iso()
        rows[people["secadmin"].id].expires_at = clock.iso()
        people["audadmin"].disabled = True
    for key in (first, second, third):
        got = web.get(key, "/session")
        assert (got.status_code, got.json["error"]["code"]) == (401, "auth.bad_token")


def test_wrong_keys_are_slowed_down_and_the_audit_does_not_fill(web):
    for _ in range(TRIES + 15):
        got = web.get("hbox_" + "y" * 43, "/session")
    assert (got.status_code, got.json["error"]["code"]) == (429, "auth.too_many_tries")
    assert int(got.headers["Retry-After"]) > 0
    assert web.get(web.key("sysadmin"), "/session").status_code == 200
    assert len(entries(web, "auth.token")) == 2


def test_use_is_remembered_but_not_at_every_request(web):
    key = web.key("sysadmin")
    web.get(key, "/session")
    with transaction(web.engine) as session:
        row = session.scalars(select(ApiToken)).one()
        first = row.used_at
        assert first
    web.get(key, "/session")
    with transaction(web.engine) as session:
        row = session.scalars(select(ApiToken)).one()
        assert row.used_at == first
        row.used_at = clock.iso(clock.now() - dt.timedelta(hours=1))
    web.get(key, "/session")
    with reading(web.engine) as session:
        assert session.scalars(select(ApiToken)).one().used_at >= first


def test_a_token_makes_no_token_and_revokes_only_itself(web):
    key, other = web.key("sysadmin"), web.key("sysadmin", "view")
    assert web.ask(key, "POST", "/api/v1/tokens", {"name": "t2"}).json["error"]["code"] == (
        "auth.not_by_token"
    )
    seen = web.get(key, "/tokens").json["items"]
    assert [token["name"] for token in seen] == ["t0x"]
    with reading(web.engine) as session:
        ids = {row.name: row.id for row in session.scalars(select(ApiToken))}
    assert web.ask(key, "DELETE", f"/api/v1/tokens/{ids['t1x']}").status_code == 403
    assert web.get(other, "/session").status_code == 200
    assert web.ask(key, "DELETE", f"/api/v1/tokens/{ids['t0x']}").json["alive"] is False
    assert web.get(key, "/session").status_code == 401


def test_approving_takes_a_person(web):
    key = web.key("secadmin")
    for address, body in (
        ("/accounts", {"name": "eve", "role": "security"}),
        ("/grants", {"account": web.account(Role.TENANT), "right": "view", "path": "/"}),
    ):
        got = web.ask(key, "POST", f"/api/v1{address}", body)
        assert got.status_code == 403, address


def test_the_security_administrator_revokes_anybodys_and_others_see_only_their_own(web):
    web.key("sysadmin")
    with reading(web.engine) as session:
        token_id = session.scalars(select(ApiToken)).one().id
    stranger = web.principal(web.account(Role.VENDOR))
    with pytest.raises(Exception, match="No such"):
        tokens.revoke(web.engine, stranger, token_id)
    row, owner = tokens.revoke(web.engine, web.principal("secadmin"), token_id)
    assert (row.revoked_at is not None, owner) == (True, "sysadmin")
    assert entries(web, "token.revoke")[0].actor == "secadmin"


def test_names_paths_and_numbers_are_bounded(web):
    who = web.principal("sysadmin")

    def refused(name="ok-1", path="/", days=1):
        wanted = tokens.Wanted(name, Scope(Right.VIEW, path), days)
        with pytest.raises(Exception) as caught:
            tokens.issue(web.engine, who, wanted)
        return caught.value.code

    assert refused(name="Bad/Name") == "input.bad"
    assert refused(name="a" * 32) == "input.bad"
    assert refused(path="/tenants/../x") == "input.bad"
    assert refused(path="/tenants/nobody") == "object.not_found"
    assert refused(days=0) == refused(days=367) == "input.bad"
    tokens.issue(web.engine, who, tokens.Wanted("ok-1", Scope(Right.VIEW, "/"), 1))
    assert refused() == "token.name_taken"
    for n in range(tokens.PER_ACCOUNT - 1):
        tokens.issue(web.engine, who, tokens.Wanted(f"more-{n}", Scope(Right.VIEW, "/"), 1))
    assert refused(name="one-more") == "token.too_many"


def test_a_job_row_fits_its_column(web):
    """The longest account with the longest token still fits `actor`."""
    name = web.account(Role.SYSTEM, "a" * 32)
    wanted = tokens.Wanted("b" * 31, Scope(Right.MANAGE, "/"), 1)
    key = tokens.issue(web.engine, web.principal(name), wanted).key
    job = web.ask(key, "POST", "/api/v1/gateway/proofs").json
    assert len(job["actor"]) <= Job.__table__.c.actor.type.length

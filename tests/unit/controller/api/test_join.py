"""A node joins through the API: by a token, once, in time, under its own name; everything else is refused by name."""

import datetime as dt

import pytest
from sqlalchemy import select

from appliance import build, clock, joining
from controller.actions import ACTIONS
from controller.jobs.trust import Sealed, derive
from controller.records.cluster import NodeToken
from controller.records.session import reading, transaction
from controller.records.tables import Account, AuditEntry, Job, Node

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOV34XBJzAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(scope="module")
def system(site):
    (site.controller.settings.state / "tls" / "nodes.pub").write_text(
        "ssh-ed25519 AAAA hbox-controller\n"
    )
    return site.administrator("sysadmin")


@pytest.fixture
def box(site, system):
    """The box with one node, whatever other tests left."""
    with transaction(site.controller.engine) as session:
        for row in session.scalars(select(Node)):
            if row.name.startswith("join-"):
                session.delete(row)
            else:
                row.home, row.address = True, "10.77.0.10"
    return site


def token(system, **asked):
    got = system.post("/node-tokens", asked)
    assert got.status == 201, got.data
    return joining.read(got.json["token"]), got.json


def application(invitation, name, address="10.77.0.20", **more):
    told = {
        "secret": invitation.secret.reveal(), "name": name, "address": address,
        "host_key": KEY, "requests": {"libvirt": "-", "qemu": "-"}, "build": build.digest(),
    }  # fmt: skip
    return {**told, **more}


def hello(body):
    return {key: body[key] for key in ("secret", "name", "address", "build")}


def test_a_token_says_where_and_its_secret_is_kept_nowhere(box, system):
    made, said = token(system, name="join-a")
    pem = (box.controller.settings.state / "tls" / "ca.crt").read_text()
    assert made.authority == joining.fingerprint(pem)
    assert made.addresses == (f"10.77.0.10:{box.controller.settings.console_port}",)
    assert said["spoken"] == made.spoken
    secret = made.secret.reveal()
    for path in (box.controller.settings.state / "db").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    with reading(box.controller.engine) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == "node.token")).all()[-1]
        assert entry.actor == "sysadmin"
        assert secret not in entry.detail
    assert secret not in system.get("/node-tokens").data.decode()


def test_a_node_joins_in_the_name_of_who_made_the_token(box, system):
    stranger = box.browser()
    assert joining.fingerprint(stranger.get("/join/authority").json["certificate"])
    made, _ = token(system, name="join-b")
    body = application(made, "join-b")
    told = stranger.post("/join/hello", hello(body))
    assert told.status == 200, told.data
    assert told.json["addresses"] == ["10.77.0.10"]
    assert told.json["ssh_key"].startswith("ssh-ed25519")
    got = stranger.post("/join", body)
    assert got.status == 202, got.data
    job = got.json
    assert (job["kind"], job["actor"], job["object"]) == ("node.join", "sysadmin", "node/join-b")
    assert made.secret.reveal() not in got.data.decode()
    assert stranger.post("/join", body).json["id"] == job["id"], "the same answer, had it been lost"
    progress = stranger.post("/join/progress", {"secret": body["secret"]})
    assert progress.json["id"] == job["id"]
    with reading(box.controller.engine) as session:
        row = session.get(Node, "join-b")
        assert (row.state, row.address, row.job_id) == ("joining", "10.77.0.20", job["id"])
        held = session.get(Job, job["id"])
        action = derive(session, held, ACTIONS, Sealed())
        action.ready(session, job["id"])
    other = stranger.post("/join", application(made, "join-b", host_key=KEY[:-1] + "B"))
    assert other.code == "join.token_used"
    with transaction(box.controller.engine) as session:
        action.forget(session, job["id"])
    with reading(box.controller.engine) as session:
        assert session.get(Node, "join-b") is None


def test_a_token_that_no_person_made_lets_nobody_in(box, system):
    with transaction(box.controller.engine) as session:
        session.add(
            NodeToken(
                id="00000000-0000-4000-8000-000000000001", secret_hash=joining.secret_hash("forged"),
                made_by="sysadmin", made_at=clock.iso(), expires_at=clock.iso(clock.now() + dt.timedelta(hours=1)),
            )
        )  # fmt: skip
    forged = joining.Invitation("x", "y", ("a:1",), joining.Secret("forged"), "")
    got = box.browser().post("/join", application(forged, "join-f"))
    assert got.status == 202
    with reading(box.controller.engine) as session:
        held = session.get(Job, got.json["id"])
        with pytest.raises(Exception, match="no such join token"):
            ACTIONS["node.join"].from_json(held.action).ready(session, held.id)
    with transaction(box.controller.engine) as session:
        ACTIONS["node.join"].from_json(held.action).forget(session, held.id)


@pytest.mark.parametrize(
    ("asked", "change", "code"),
    [
        ({}, {"secret": "wrong"}, "join.token_unknown"),
        ({"name": "join-x"}, {}, "join.other_name"),
        ({}, {"address": "10.77.0.10"}, "join.address_taken"),
        ({}, {"build": "another"}, "join.other_build"),
        ({}, {"name": "UPPER"}, "input.bad"),
        ({}, {"name": "a;reboot"}, "input.bad"),
        ({}, {"address": "10.77.0.20 ; x"}, "input.bad"),
        ({}, {"address": "127.0.0.1"}, "input.bad"),
        ({}, {"host_key": "ssh-rsa AAAA"}, "input.bad"),
        ({}, {"host_key": KEY + "\ncert-authority *"}, "input.bad"),
        ({}, {"requests": {"libvirt": "x" * 3000, "qemu": "x" * 3000}}, "input.bad"),
        ({}, {"requests": {"libvirt": "x" * 5000}}, "input.invalid"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(box, system, asked, change, code):
    made, _ = token(system, **asked)
    body = {**application(made, "join-c"), **change}
    got = box.browser().post("/join", body)
    assert got.status >= 400
    assert got.code == code
    with reading(box.controller.engine) as session:
        assert session.get(Node, "join-c") is None
        assert session.get(NodeToken, made.id).used_at is None, "a refused try does not use it up"


def test_a_token_ends_in_time_and_can_be_revoked(box, system):
    made, _ = token(system)
    with transaction(box.controller.engine) as session:
        session.get(NodeToken, made.id).expires_at = clock.iso(
            clock.now() - dt.timedelta(seconds=1)
        )
    got = box.browser().post("/join/hello", hello(application(made, "join-d")))
    assert (got.status, got.code) == (422, "join.token_expired")
    made, said = token(system)
    assert system.ask("DELETE", f"/api/v1/node-tokens/{said['id']}").status == 200
    assert (
        box.browser().post("/join/hello", hello(application(made, "join-d"))).code
        == "join.token_unknown"
    )


def test_only_a_dead_node_is_replaced_and_only_at_its_own_address(box, system):
    assert system.post("/node-tokens", {"name": "join-r", "replace": True}).status == 404
    with transaction(box.controller.engine) as session:
        session.add(
            Node(name="join-r", address="10.77.0.21", host_key="old", joined_at=clock.iso())
        )
    assert system.post("/node-tokens", {"name": "join-r"}).code == "join.name_taken"
    made, _ = token(system, name="join-r", replace=True)
    body = application(made, "join-r", address="10.77.0.21")
    ask = box.browser().post
    assert ask("/join", body).code == "join.still_alive"
    with transaction(box.controller.engine) as session:
        session.get(Node, "join-r").why = "no route"
    assert (
        ask("/join", application(made, "join-r", address="10.77.0.22")).code == "join.other_address"
    )
    got = ask("/join", body)
    assert got.status == 202, got.data
    with reading(box.controller.engine) as session:
        row = session.get(Node, "join-r")
        assert (row.state, row.host_key) == ("replacing", "old"), "trusted only when it was reached"
    with transaction(box.controller.engine) as session:
        ACTIONS["node.join"].from_json(session.get(Job, got.json["id"]).action).forget(
            session, got.json["id"]
        )
        assert session.get(Node, "join-r").state == "maintenance"


def test_the_home_node_is_never_replaced(box, system):
    with reading(box.controller.engine) as session:
        home = session.scalar(select(Node).where(Node.home))
        assert session.scalar(select(Account.name)) is not None
    assert system.post("/node-tokens", {"name": home.name, "replace": True}).status >= 400


@pytest.mark.parametrize("who", ["secadmin", "audadmin"])
def test_who_may_not_make_a_token_does_not(box, who):
    assert box.administrator(who).post("/node-tokens", {}).status == 403

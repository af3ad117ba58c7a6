"""Virtual machines through the API: what is left open is decided, what is secret is not shown."""

import pytest
from sqlalchemy import select

from controller.records.session import transaction
from controller.records.tables import Job, Vm


@pytest.fixture(scope="module")
def system(site):
    return site.administrator("sysadmin")


def made(site, system, name, **more):
    """A machine whose creation has ended, as the worker would have ended it."""
    got = system.post("/vms", {"name": name, "zone": "extranet", **more})
    assert got.status == 202, got.json
    settle(site)
    return got.json


def settle(site):
    with transaction(site.controller.engine) as session:
        for job in session.scalars(select(Job).where(Job.state == "waiting")):
            job.state = "succeeded"
        for vm in session.scalars(select(Vm)):
            vm.actual = vm.wished


def test_a_persons_user_data_is_not_shown_to_the_readers_of_the_job(site, system):
    secret = "#cloud-config\nchpasswd: {list: ['root:hunter2']}\n"
    job = made(site, system, "secret", user_data=secret)
    assert job["action"]["user_data"] == "***"
    shown = system.get("/vms/secret").json
    assert shown["has_user_data"] is True
    assert "hunter2" not in str(shown) + str(system.get("/vms").json) + str(
        system.get("/jobs").json
    )
    refused = system.post("/vms", {"name": "x1", "zone": "extranet", "user_data": "hostname: a"})
    assert (refused.status, refused.code) == (400, "input.bad")


def test_where_a_machine_would_go_is_told_without_making_it(system):
    told = system.get("/placement?vcpus=2&memory_mib=1024&apart=his").json
    assert (told["node"], told["storage"]) == ("node-1", "dir")
    assert told["verdicts"][0]["fits"] is True
    nowhere = system.get("/placement?storage=rbd").json
    assert nowhere["node"] == ""
    assert "rbd" in nowhere["verdicts"][0]["why"][0]["en"]
    assert system.get("/placement?memory_mib=1").status == 400


def test_a_machine_is_shown_whole_and_why_it_is_where_it_is(site, system):
    made(site, system, "whole", apart="his")
    shown = system.get("/vms/whole").json
    assert shown["placement"]["by"] == "box"
    assert [nic["position"] for nic in shown["nics"]] == [0]
    assert (shown["drift"], shown["pending"], shown["snapshots"]) == (None, None, [])
    second = system.post("/vms", {"name": "apart", "zone": "extranet", "apart": "his"})
    assert (second.status, second.code) == (409, "vm.no_place")


@pytest.mark.parametrize(
    ("address", "body", "kind"),
    [
        ("pause", None, "vm.pause"),
        ("resume", None, "vm.resume"),
        ("reset", None, "vm.reset"),
        ("resize", {"vcpus": 2}, "vm.resize"),
        ("nics", {}, "vm.nic.add"),
        ("snapshots", {"name": "gold"}, "vm.snapshot"),
        ("clone", {"name": "twin", "full": True}, "vm.clone"),
    ],
)
def test_what_may_be_asked_of_a_machine(site, system, address, body, kind):
    if system.get("/vms/asked").status == 404:
        made(site, system, "asked")
    got = system.post(f"/vms/asked/{address}", *([body] if body is not None else []))
    assert (got.status, got.json["kind"]) == (202, kind)
    settle(site)


def test_the_same_request_again_is_the_same_job_whatever_the_box_would_decide_now(site, system):
    body = {"name": "again", "zone": "extranet", "apart": "again"}
    first = system.post("/vms", body, **{"Idempotency-Key": "k-again"})
    second = system.post("/vms", body, **{"Idempotency-Key": "k-again"})
    assert first.json["id"] == second.json["id"]


def test_drift_is_listed_and_what_is_foreign_cannot_be_accepted(site, system):
    made(site, system, "drifted")
    assert system.get("/drift").json["items"] == []
    assert system.post("/vms/drifted/mend").code == "vm.no_drift"
    with transaction(site.controller.engine) as session:
        row = session.scalar(select(Vm).where(Vm.name == "drifted"))
        row.drift = {"links": [[], ["52:54:00:00:00:01"]]}
    (item,) = system.get("/drift").json["items"]
    assert (item["name"], item["acceptable"]) == ("drifted", False)
    refused = system.post("/vms/drifted/accept")
    assert (refused.status, refused.code) == (409, "vm.drift_foreign")
    assert system.post("/vms/drifted/mend").status == 202


def test_one_node_alone_moves_nothing(site, system):
    made(site, system, "stays")
    refused = system.post("/vms/stays/migrate", {"node": "node-1"})
    assert (refused.status, refused.code) == (409, "vm.not_movable")
    assert system.post("/vms/stays/migrate", {}).code == "vm.no_place"

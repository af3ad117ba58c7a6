"""Writes through the API on real records: jobs, repeated requests, ETags, uploads, events."""

import http.client
import json
import threading
import time

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit as chain
from appliance.signing import SigningKey
from controller.jobs.queue import binding
from controller.records import audit
from controller.records.session import reading
from controller.records.tables import AuditEntry, Job, Vm


@pytest.fixture(scope="module")
def system(site):
    return site.administrator("sysadmin")


def vm(name, zone="extranet"):
    return {"name": name, "zone": zone}


def test_a_wish_is_answered_with_its_job_and_recorded_with_its_audit_entry(site, system):
    got = system.post("/vms", vm("first"))
    assert got.status == 202
    job = got.json
    assert got.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["state"], job["kind"], job["actor"]) == ("waiting", "vm.create", "sysadmin")
    assert system.ask("GET", got.headers["location"]).json["id"] == job["id"]
    shown = system.get("/vms/first").json
    assert (shown["wished"], shown["actual"]) == ("running", "absent")
    assert shown["address"].startswith("10.88.0.")
    with reading(site.controller.engine) as session:
        entry = session.get(AuditEntry, job["audit_number"])
        row = session.get(Job, job["id"])
        assert entry is not None
        assert row is not None
        assert (entry.act, entry.actor, entry.outcome) == ("vm.create", "sysadmin", "submitted")
        assert json.loads(entry.detail)["sha256"] == binding(row)
        chain.verify(audit.entries(session))


def test_the_same_key_and_body_make_one_job_and_another_body_is_refused(site, system):
    first = system.post("/vms", vm("once"), **{"Idempotency-Key": "k-1"})
    again = system.post("/vms", vm("once"), **{"Idempotency-Key": "k-1"})
    assert (first.status, again.status) == (202, 202)
    assert first.json["id"] == again.json["id"]
    other = system.post("/vms", vm("twice"), **{"Idempotency-Key": "k-1"})
    assert (other.status, other.code) == (409, "idempotency.mismatch")
    elsewhere = system.post("/gateway/proofs", **{"Idempotency-Key": "k-1"})
    assert elsewhere.status == 409
    with reading(site.controller.engine) as session:
        assert len(list(session.scalars(select(Vm).where(Vm.name.in_(["once", "twice"]))))) == 1


def test_parallel_requests_with_one_key_make_one_job(system):
    answers = []

    def ask():
        browser = type(system)(system.port, system.context, system.cookie, system.csrf)
        answers.append(browser.post("/vms", vm("race"), **{"Idempotency-Key": "k-race"}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {got.status for got in answers} == {202}
    assert len({got.json["id"] for got in answers}) == 1


def test_parallel_creates_get_addresses_and_numbers_of_their_own(site, system):
    answers = []

    def ask(at):
        browser = type(system)(system.port, system.context, system.cookie, system.csrf)
        answers.append(browser.post("/vms", vm(f"par-{at}", "intranet")))

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {got.status for got in answers} == {202}
    machines = system.get("/vms?zone=intranet").json["items"]
    assert len({m["address"] for m in machines}) == 20
    assert len({m["mac"] for m in machines}) == 20
    assert len({got.json["number"] for got in answers}) == 20
    with reading(site.controller.engine) as session:
        chain.verify(audit.entries(session))


def test_a_taken_name_is_a_conflict_and_leaves_no_trace(site, system):
    system.post("/vms", vm("taken"))
    before = len(system.get("/jobs?limit=1000").json["items"])
    got = system.post("/vms", vm("taken"))
    assert (got.status, got.code) == (409, "vm.name_taken")
    assert len(system.get("/jobs?limit=1000").json["items"]) == before


def test_an_etag_guards_against_what_changed_meanwhile(site, system):
    made = system.post("/vms", vm("etag")).json
    _succeed(site, made["id"])
    tag = system.ask("GET", "/api/v1/vms/etag").headers["etag"]
    stale = system.post("/vms/etag/stop", {}, **{"If-Match": '"77"'})
    assert (stale.status, stale.code) == (412, "object.stale")
    keyed = {"If-Match": tag, "Idempotency-Key": "k-etag"}
    assert system.post("/vms/etag/stop", {}, **keyed).status == 202
    assert system.ask("GET", "/api/v1/vms/etag").headers["etag"] != tag
    # The same request again is still the same job, although the ETag has moved on.
    assert system.post("/vms/etag/stop", {}, **keyed).status == 202
    assert system.post("/vms/etag/start", **{"If-Match": tag}).status == 412


@pytest.mark.parametrize("given", ["", "7", 'W/"7"', '"7", "8"'])
def test_a_guard_of_another_form_is_refused_not_ignored(site, system, given):
    got = system.post("/vms/ready/stop", {}, **{"If-Match": given})
    assert (got.status, got.code) == (400, "input.bad")


def test_titles_name_the_machine(site, system):
    made = system.post("/vms", vm("titled")).json
    _succeed(site, made["id"])
    got = system.post("/vms/titled/stop", {"force": True}).json
    assert "titled" in got["title"]["zh"]
    assert got["action"]["force"] is True


def test_a_machine_that_is_still_being_made_is_busy(system):
    system.post("/vms", vm("fresh"))
    got = system.post("/vms/fresh/start")
    assert (got.status, got.code) == (409, "vm.busy")


def test_cancelling_a_waiting_job_takes_the_wish_back(system):
    job = system.post("/vms", vm("undone")).json
    got = system.ask("DELETE", f"/api/v1/jobs/{job['number']}")
    assert (got.status, got.json["state"]) == (200, "cancelled")
    assert system.get("/vms/undone").status == 404
    assert system.ask("DELETE", f"/api/v1/jobs/{job['id']}").code == "job.over"


def test_pages_of_jobs_follow_each_other(system):
    first = system.get("/jobs?limit=2").json
    second = system.get(f"/jobs?limit=2&before={first['next']}").json
    numbers = [job["number"] for job in first["items"] + second["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 4


def test_waiting_ends_when_the_job_ends(site, system):
    job = system.post("/gateway/proofs").json
    threading.Timer(0.5, _succeed, (site, job["id"])).start()
    got = system.get(f"/jobs/{job['id']}/wait?timeout=20")
    assert got.json["state"] == "succeeded"


def test_events_tell_of_a_change(site, system):
    connection = http.client.HTTPSConnection("127.0.0.1", site.port, context=site.context)
    connection.request("GET", "/api/v1/events", headers={"Cookie": system.cookie})
    got = connection.getresponse()
    assert got.headers["content-type"].startswith("text/event-stream")
    job = system.post("/gateway/proofs").json
    seen = b""
    while job["id"].encode() not in seen:
        seen += got.readline()
    connection.close()


def test_trusting_a_key_wants_an_ed25519_public_key(site):
    security = site.administrator("secadmin")
    bad = {"vendor": "acme", "pem": "not a key", "ids": ["acme-*"]}
    assert security.post("/vendor-keys", bad).code == "input.bad"
    good = bad | {"pem": SigningKey.new().public.pem.decode()}
    assert security.post("/vendor-keys", good).status == 202


def test_an_upload_that_is_no_bundle_is_refused_and_not_kept(site, system):
    kind = {"Content-Type": "application/vnd.hbox.module"}
    got = system.ask("POST", "/api/v1/uploads", headers=kind, raw=b"x" * 4096)
    assert got.status in (400, 422), got.data
    assert list((site.controller.settings.state / "uploads").iterdir()) == []
    wrong = system.ask("POST", "/api/v1/uploads", headers={"Content-Type": "text/html"}, raw=b"x")
    assert wrong.status == 415


def _succeed(site, job_id):
    """Stand in for the worker: say that the job is done."""
    with Session(site.controller.engine) as session, session.begin():
        job = session.get(Job, job_id)
        job.state = "succeeded"
        for machine in session.scalars(select(Vm).where(Vm.job_id == job_id)):
            machine.actual = machine.wished


def test_listeners_are_bounded_and_their_places_come_back(site, system):
    assert system.ask("HEAD", "/api/v1/events").status == 405

    def listen():
        connection = http.client.HTTPSConnection("127.0.0.1", site.port, context=site.context)
        connection.request("GET", "/api/v1/events", headers={"Cookie": system.cookie})
        return connection, connection.getresponse()

    def listen_soon():
        until = time.monotonic() + 10
        while True:
            connection, got = listen()
            if got.status == 200:
                return connection, got
            connection.close()
            assert time.monotonic() < until, "a place was never given back"
            time.sleep(0.2)

    held = [listen_soon() for _ in range(4)]
    assert system.get("/events").status == 503
    assert system.get("/status").status == 200
    for connection, got in held:
        got.close()
        connection.close()
    connection, got = listen_soon()
    got.close()
    connection.close()

"""What readers get: channels, transfers, proofs, reports, vendors' own modules, the bundle's claim."""

import os
from pathlib import Path

import pytest

from appliance import chance, clock
from appliance.sdk import archive
from appliance.secret import Secret
from appliance.signing import SigningKey
from controller.access.passwords import hashed
from controller.records.exchange import Proof, Transfer
from controller.records.session import transaction
from controller.records.tables import Account, ComplianceRun, Job, Module, Vm
from network.gateway.channel import Channel
from network.gateway.inspect import Field
from network.gateway.policy import Policy, write

ROOT = Path(__file__).parents[4]
PASSWORD = "Vendor-Horse-12"


@pytest.fixture(scope="module")
def system(site):
    return site.administrator("sysadmin")


@pytest.fixture(scope="module")
def filled(site):
    """Rows as the worker leaves them."""
    state = site.controller.settings.state
    (state / "reports" / "r1.html").write_text("<p>报告</p>")
    (state / "reports" / "r1.json").write_text("{}")
    (state / "keys" / "inside.txt").write_text("secret")
    with transaction(site.controller.engine) as session:
        session.add(_vm("vm-a", "10.88.0.10"))
        session.add(_vm("vm-b", "10.88.0.11"))
        session.flush()
        session.add(_module("acme-one", "acme", "vm-a"))
        session.add(_module("other-one", "other", "vm-b"))
        for number, module in enumerate(("acme-one", "other-one"), 1):
            session.add(_job(number, f"module/{module}"))
        session.add(
            Account(
                id=chance.new_id(), name="acme-dev", role="vendor", vendor="acme",
                password_hash=hashed(Secret(PASSWORD)), created_at=clock.iso(),
                password_at=clock.iso(),
            )
        )  # fmt: skip
        session.add_all(_transfer(n, "allowed" if n % 2 else "refused") for n in range(1, 11))
        session.add(
            Proof(id="p1", at=clock.iso(), level="L1", open_ways=0, document={"level": "L1"})
        )
        session.add(_run("r1", state / "reports" / "r1.html", state / "reports" / "r1.json"))
        session.add(_run("evil", "../keys/inside.txt", "/etc/passwd"))
    return site


IDS = {"vm-a": chance.new_id(), "vm-b": chance.new_id()}


def _vm(name, address):
    return Vm(
        id=IDS[name], name=name, node="node-1", zone="extranet", address=address, mac=address, vcpus=1,
        memory_mib=512, disk_gib=4, wished="running", actual="running", job_id="j", created_at="",
    )  # fmt: skip


def _module(name, vendor, vm):
    return Module(
        id=name, version="1.0.0", vendor=vendor, summary_zh="", summary_en="", digest="a" * 64,
        key="k", vm_id=IDS[vm], manifest={"flows": []}, state="running", job_id="j",
    )  # fmt: skip


def _job(number, thing):
    return Job(
        id=chance.new_id(), number=number, kind="module.install", action={}, title_zh="", title_en="",
        object=thing, actor="sysadmin", role="system", locks=[], state="succeeded", audit_number=1,
        created_at=clock.iso(),
    )  # fmt: skip


def _transfer(number, verdict):
    return Transfer(
        number=number, at=clock.iso(), channel="slot-read", direction="extranet->intranet",
        lane="request", verdict=verdict, rule="", data_class="1", peer="10.88.0.10", size=10,
        state="answered", latency_ms=1.5, hash="h",
    )  # fmt: skip


def _run(name, html, report):
    return ComplianceRun(
        id=name, at=clock.iso(), seconds=1.5, ruleset="r", digest="d", json_path=str(report),
        html_path=str(html), summary={"符合": 3},
    )  # fmt: skip


def test_channels_come_from_the_signed_policy(filled, system):
    assert system.get("/gateway/channels").json["items"] == []
    channel = Channel(
        id="slot-read", direction="extranet->intranet", lane="request", method="GET",
        path="/fhir/Slot", peer="10.88.0.10", target="http://10.66.0.10:8080", data_class="1",
        purpose="appointments", approver="secadmin", response=(Field("id", "string"),),
    )  # fmt: skip
    policy = Policy(version=1, issued=clock.iso(), channels=(channel,))
    write(filled.controller.settings.state / "gateway", policy, SigningKey.new())
    [shown] = system.get("/gateway/channels").json["items"]
    assert (shown["id"], shown["approver"], shown["peer"]) == (
        "slot-read",
        "secadmin",
        "10.88.0.10",
    )


def test_transfers_are_filtered_and_paged(filled, system):
    got = system.get("/gateway/transfers?verdict=refused&limit=3").json
    assert [t["number"] for t in got["items"]] == [10, 8, 6]
    rest = system.get(f"/gateway/transfers?verdict=refused&before={got['next']}").json
    assert [t["number"] for t in rest["items"]] == [4, 2]
    assert system.get("/gateway/transfers?channel=none").json["items"] == []


def test_proofs_and_status_tell_the_open_ways(filled, system):
    assert system.get("/gateway/proofs/p1").json["document"] == {"level": "L1"}
    assert system.get("/status").json["open_ways"] == 0
    assert system.get("/gateway/proofs/none").status == 404


def test_reports_are_downloaded_and_nothing_else_is(filled, system):
    got = system.get("/compliance/runs/r1/report?form=html")
    assert got.data.decode() == "<p>报告</p>"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["content-disposition"].startswith("attachment")
    assert system.get("/compliance/runs/r1/report?form=json").json == {}
    for form in ("html", "json"):
        stolen = system.get(f"/compliance/runs/evil/report?form={form}")
        assert (stolen.status, stolen.code) == (503, "part.unavailable")
    assert system.get("/compliance/runs/last").status == 200


def test_a_vendor_sees_its_own_modules_and_their_jobs_only(filled):
    vendor = filled.browser()
    assert vendor.log_in("acme-dev", PASSWORD).status == 200
    assert [m["id"] for m in vendor.get("/modules").json["items"]] == ["acme-one"]
    assert vendor.get("/modules/other-one").status == 403
    [job] = vendor.get("/jobs").json["items"]
    assert job["object"] == "module/acme-one"
    assert vendor.get(f"/jobs/{job['id']}/log").status == 200
    assert vendor.get("/jobs/2").status == 404
    assert vendor.get("/jobs/2/log").status == 404
    assert vendor.get("/jobs?object=module/other-one").json["items"] == []
    for path in ("/vms", "/nodes", "/gateway/transfers", "/compliance/runs", "/audit", "/accounts"):
        assert vendor.get(path).status == 403
    assert vendor.ask("DELETE", f"/api/v1/jobs/{job['id']}").status == 403


def test_a_bundle_is_kept_and_says_what_it_claims_to_be(filled, system, tmp_path):
    claim = (ROOT / "appliance/modules/appointment/module.toml").read_bytes()
    archive.write([("module.toml", claim)], tmp_path / "x.hmod")
    kind = {"Content-Type": "application/vnd.hbox.module"}
    data = (tmp_path / "x.hmod").read_bytes()
    got = system.ask("POST", "/api/v1/uploads", headers=kind, raw=data)
    assert got.status == 201, got.data
    held = filled.controller.settings.state / "uploads" / got.json["upload"]
    assert held.read_bytes() == data
    assert (got.json["module_id"], got.json["size"]) == ("appointment", len(data))
    body = {"module_id": "appointment", "vm": "vm-a", "digest": got.json["digest"]}
    assert system.post("/modules", body | {"upload": "../x.hmod"}).code == "input.invalid"
    missing = system.post("/modules", body | {"upload": f"{chance.new_id()}.hmod"})
    assert missing.code == "object.not_found"
    full = system.post("/modules", body | {"upload": got.json["upload"]})
    assert (full.status, full.code) == (409, "module.installed")


def test_a_bundle_over_the_limit_is_not_kept(filled, system, monkeypatch):
    limit = filled.controller.settings.module_limit
    kind = {"Content-Type": "application/vnd.hbox.module", "Content-Length": str(limit + 1)}
    before = len(list((filled.controller.settings.state / "uploads").iterdir()))
    got = system.ask("POST", "/api/v1/uploads", headers=kind, raw=b"")
    assert got.status == 413
    assert len(list((filled.controller.settings.state / "uploads").iterdir())) == before


def test_the_auditor_reads_and_verifies_the_chain(filled):
    auditor = filled.administrator("audadmin")
    page = auditor.get("/audit?limit=2").json
    assert page["items"][0]["number"] == page["items"][1]["number"] + 1
    assert page["next"] == page["items"][-1]["number"]
    found = auditor.get("/audit/verify").json
    assert (found["holds"], found["seals"]) == (True, "unknown")


def test_uploads_that_nobody_installed_go_after_a_day(filled, system):
    folder = filled.controller.settings.state / "uploads"
    old, fresh = folder / f"{chance.new_id()}.hmod", folder / f"{chance.new_id()}.hmod"
    for path in (old, fresh):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    kind = {"Content-Type": "application/vnd.hbox.module"}
    system.ask("POST", "/api/v1/uploads", headers=kind, raw=b"no bundle")
    assert (old.exists(), fresh.exists()) == (False, True)

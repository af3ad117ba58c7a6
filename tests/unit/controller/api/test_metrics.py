"""`/metrics`: well-formed, true, bounded, documented, and only for who may."""

import re
from pathlib import Path

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from appliance import clock
from controller.actions.base import Role
from controller.drivers.fake import FakeHypervisor
from controller.records.cluster import Storage
from controller.records.session import transaction
from controller.records.tables import Job, JobStep, Node, Vm
from controller.workers.metrics import observe
from tests.unit.controller.api.program import Web

DOC = Path(__file__).parents[4] / "docs" / "metrics.md"


@pytest.fixture
def web(controller):
    made = Web(controller)
    yield made
    made.close()


def scrape(web, **given):
    got = web.client.get("/metrics", **given)
    assert got.status_code == 200, got.data
    assert got.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = got.get_data(as_text=True)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }, text


def value(found, name, **labels):
    return found[(name, tuple(sorted(labels.items())))]


def test_what_is_counted_is_what_is_there(web):
    web.tenant("red")
    vm = web.vm("one", "red")
    web.vm("two", at=11, actual="stopped")
    web.ask(web.key("sysadmin"), "POST", f"/api/v1/vms/{vm}/stop", {})
    with transaction(web.engine) as session:
        job = session.query(Job).one()
        job.state, job.created_at = "failed", clock.iso()
        for at, seconds in enumerate((0.05, 2.0, 20.0)):
            session.add(
                JobStep(
                    job_id=job.id,
                    position=at,
                    key="k",
                    title_zh="",
                    title_en="",
                    state="done",
                    seconds=seconds,
                )
            )
        facts = {"capacity": 1000, "used": 250, "ceiling": 850}
        session.add(Storage(name="dir", kind="dir", state="ok", facts=facts))
        session.execute(update(Node).values(why="no answer"))
        session.execute(update(Vm).where(Vm.name == "two").values(drift={"vcpus": [1, 2]}))
    found, _ = scrape(web)
    assert value(found, "hbox_vms", node="node-1", wished="stopped", actual="running") == 1
    assert value(found, "hbox_vms_drifted") == 1
    assert value(found, "hbox_jobs", kind="vm.stop", state="failed") == 1
    steps = {"kind": "vm.stop"}
    assert value(found, "hbox_job_step_seconds_bucket", le="0.1", **steps) == 1
    assert value(found, "hbox_job_step_seconds_bucket", le="5.0", **steps) == 2
    assert value(found, "hbox_job_step_seconds_bucket", le="+Inf", **steps) == 3
    assert value(found, "hbox_job_step_seconds_sum", **steps) == 22.05
    assert value(found, "hbox_node_up", node="node-1") == 0
    assert value(found, "hbox_storage_ceiling_bytes", storage="dir") == 850 << 20
    assert value(found, "hbox_storage_state", storage="dir", state="ok") == 1
    assert value(found, "hbox_tenant_used", tenant="red", resource="vcpus") == 2
    assert value(found, "hbox_api_tokens") == 1
    asked = {"route": "api_v1_vms_vm_stop_post", "status": "202"}
    assert value(found, "hbox_api_requests_total", **asked) == 1


def test_what_machines_use_comes_from_the_workers_file(web, tmp_path):
    vm_id = web.vm("one")

    class Engine(FakeHypervisor):
        def stats(self):
            from controller.drivers.base import Stats  # noqa: PLC0415

            gone = Stats(1.0, 1, 1, 1, 1, 1)
            return {vm_id: Stats(12.5, 256, 1000, 2000, 3000, 4000), "no-such-vm": gone}

    class Away(FakeHypervisor):
        def stats(self):
            from controller.drivers.base import EngineFailed  # noqa: PLC0415

            raise EngineFailed(what="stats", why="away")

    class Drivers:
        def __init__(self, engine):
            self.hypervisor = engine

    class Site:
        settings = web.controller.settings
        nodes = {  # noqa: RUF012
            "away": Drivers(Away(tmp_path / "a")),
            "node-1": Drivers(Engine(tmp_path / "b")),
        }

    observe(Site)
    found, text = scrape(web)
    assert value(found, "hbox_vm_cpu_seconds_total", vm="one", node="node-1") == 12.5
    assert value(found, "hbox_vm_memory_bytes", vm="one", node="node-1") == 256 << 20
    assert value(found, "hbox_vm_network_sent_bytes_total", vm="one", node="node-1") == 4000
    assert "no-such-vm" not in text


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"vms": {}}', b'{"vms": 7}', b"\xff"])
def test_a_file_that_is_not_the_workers_is_no_trouble(web, content):
    folder = web.controller.settings.state / "metrics"
    folder.mkdir()
    (folder / "vms.json").write_bytes(content)
    scrape(web)


def test_a_name_with_quotes_and_lines_stays_one_label(web):
    with transaction(web.engine) as session:
        session.add(Node(name='a"b\\c\nd'))
    found, _ = scrape(web)
    assert value(found, "hbox_node_up", node='a"b\\c\nd') == 1


def test_series_do_not_grow_with_jobs_and_machines(web):
    before = len(scrape(web)[0])
    for n in range(150):
        web.vm(f"vm-{n}", at=20 + n)
    with transaction(web.engine) as session:
        for n in range(150):
            session.add(
                Job(
                    id=f"j{n}",
                    number=n + 1,
                    kind="vm.start",
                    action={},
                    title_zh="",
                    title_en="",
                    object=f"vm/{n}",
                    actor="a",
                    role="system",
                    locks=[],
                    state="succeeded",
                    audit_number=0,
                    created_at=clock.iso(),
                )
            )
    assert len(scrape(web)[0]) - before < 30


def test_on_the_machine_itself_for_all_from_elsewhere_with_a_right_to_it(web):
    far = {"environ_overrides": {"REMOTE_ADDR": "10.77.0.9"}}
    assert web.client.get("/metrics", **far).status_code == 401
    for key, status in (
        (web.key("audadmin", "view"), 200),
        (web.key(web.account(Role.VENDOR)), 403),
        (web.key(web.account(Role.TENANT)), 403),
        (web.key("sysadmin", "manage", f"/vms/{web.vm('one')}"), 403),
        ("hbox_wrong", 401),
    ):
        got = web.client.get("/metrics", headers={"Authorization": f"Bearer {key}"}, **far)
        assert got.status_code == status, got.data
    assert web.client.get("/api/v1/nodes").status_code == 401


def test_every_family_is_in_the_manual_and_nothing_else(web):
    web.tenant("red")
    web.vm("one")
    path = web.controller.settings.state / "metrics" / "vms.json"
    path.parent.mkdir()
    path.write_bytes(orjson.dumps({"at": clock.iso(), "vms": {}}))
    _, text = scrape(web)
    told = {family.name for family in text_string_to_metric_families(text)}
    told = {name for name in told if not name.startswith("hbox_web_process_")}
    written = {
        re.sub("_total$", "", name)
        for name in re.findall(r"^\| `(hbox_[a-z_]+)` \|", DOC.read_text("utf-8"), re.MULTILINE)
    }
    assert written == told | {"hbox_compliance_age_seconds"}

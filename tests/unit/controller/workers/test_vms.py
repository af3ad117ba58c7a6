"""VM jobs end to end on real SQLite and real volumes; only the hypervisor is the (conforming) fake."""

import json

import pytest
from sqlalchemy import select

from appliance.host import LocalHost
from appliance.settings import Settings
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm
from controller.drivers.base import Accelerator, AgentSilent, Power
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.jobs.queue import submit
from controller.jobs.trust import NotTrusted
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Base, Job, Node, Vm, Volume
from controller.workers import nodes, vms
from controller.workers.machine import record
from controller.workers.site import NodeDrivers, Site
from controller.workers.watch import resync
from network.zones import PLAN

VM = "6f1c1b1e-9a44-4a52-8f0e-1d6a5f3c2b10"


@pytest.fixture
def site(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    LocalHost().run(["qemu-img", "create", "-q", "-f", "qcow2", str(base / "disk.qcow2"), "64M"])
    (base / "image.json").write_text(json.dumps({"cmdline": "root=/dev/vda"}))
    settings = Settings(state=tmp_path / "state")
    engine = open_records(f"sqlite:///{tmp_path / 'box.sqlite'}")
    Base.metadata.create_all(engine)
    with transaction(engine) as session:
        session.add(Node(name="n0", accelerator="tcg"))
    drivers = NodeDrivers(
        FakeHypervisor(tmp_path / "fake"),
        DirStorage(settings.state / "volumes", LocalHost(), {"guest-base": base / "disk.qcow2"}),
    )
    return Site(settings, engine, {"n0": drivers}, guest_base=base)


def ask(site, action) -> Site:
    with transaction(site.engine) as session:
        job = submit(session, Principal("a", "sam", Role.SYSTEM), action)
        job.state = "succeeded"
        return Site(site.settings, site.engine, site.nodes, site.guest_base, job.id)


def create(site, *, start=True) -> list:
    action = CreateVm(VM, "hut", "extranet", "n0", 1, 512, 2, start)
    return list(vms.create(action, ask(site, action)))


def do(steps) -> None:
    for step in steps:
        step.do(lambda _line: None)


def row(site):
    with reading(site.engine) as session:
        return session.get(Vm, VM)


def volumes(site):
    with reading(site.engine) as session:
        return sorted(session.scalars(select(Volume.kind)))


@pytest.mark.parametrize("address", ["10.88.0.2", "10.88.0.200", "10.66.0.10", "x"])
def test_an_address_put_into_the_row_that_no_machine_may_have(site, address):
    action = CreateVm(VM, "hut", "extranet", "n0", 1, 512, 2, False)
    here = ask(site, action)
    with transaction(site.engine) as session:
        session.get(Vm, VM).address = address
    with pytest.raises(NotTrusted):
        vms.create(action, here)


def test_a_row_altered_after_the_job_was_accepted_changes_no_machine(site, monkeypatch):
    defined = []
    monkeypatch.setattr(FakeHypervisor, "define", lambda _self, spec: defined.append(spec))
    action = CreateVm(VM, "hut", "extranet", "n0", 1, 512, 2, False)
    here = ask(site, action)
    with transaction(site.engine) as session:
        altered = session.get(Vm, VM)
        altered.zone, altered.memory_mib, altered.disk_gib = "intranet", 999999, 4096
    do(vms.create(action, here))
    assert [(s.links[0].bridge, s.memory_mib) for s in defined] == [(PLAN.extranet.bridge, 512)]


def test_creating_makes_all_and_says_what_is_there(site):
    do(create(site))
    assert (row(site).wished, row(site).actual, row(site).agent) == ("running", "running", True)
    assert volumes(site) == ["seed", "system"]
    assert site.home.hypervisor.states() == {VM: Power.RUNNING}
    with reading(site.engine) as session:
        job = session.get(Job, row(site).job_id)
    assert job.result == {"vm": VM, "address": "10.88.0.10"}


def test_every_step_may_run_twice(site):
    for step in create(site):
        step.do(lambda _line: None)
        step.do(lambda _line: None)
    assert row(site).actual == "running"
    assert volumes(site) == ["seed", "system"]


@pytest.mark.parametrize("reached", range(1, 7))
def test_undoing_from_any_step_leaves_nothing(site, reached):
    steps = create(site)
    do(steps[:reached])
    for step in reversed(steps[:reached]):
        step.undo(lambda _line: None)
        step.undo(lambda _line: None)
    assert site.home.hypervisor.states() == {}
    assert site.home.storage.owners() == frozenset()
    assert volumes(site) == []
    assert row(site).actual == "absent"


def test_a_stopped_vm_is_not_started(site):
    assert [step.key for step in create(site, start=False)] == ["disk", "seed", "define", "record"]


def test_stop_start_delete(site):
    do(create(site))
    do(vms.stop(StopVm(VM, force=True), ask(site, StopVm(VM, force=True))))
    assert row(site).actual == "stopped"
    do(vms.start(StartVm(VM), ask(site, StartVm(VM))))
    assert row(site).actual == "running"
    deletion = ask(site, DeleteVm(VM))
    steps = vms.delete(DeleteVm(VM), deletion)
    do(steps)
    assert row(site) is None
    assert site.home.storage.owners() == frozenset()
    again = vms.delete(DeleteVm(VM), deletion)
    assert [step.key for step in again] == [step.key for step in steps]
    do(again)


def test_a_deletion_that_goes_back_defines_the_vm_again(site):
    do(create(site, start=False))
    steps = vms.delete(DeleteVm(VM), ask(site, DeleteVm(VM)))
    do(steps[:2])
    assert row(site).actual == "absent"
    steps[1].undo(lambda _line: None)
    steps[0].undo(lambda _line: None)
    assert row(site).actual == "stopped"


def test_resync_records_what_the_engine_says(site):
    do(create(site))
    before = row(site).version
    resync(site)
    assert row(site).version == before
    site.home.hypervisor.stop(VM, force=True)
    resync(site)
    assert (row(site).actual, row(site).agent) == ("stopped", False)
    site.home.hypervisor.undefine(VM)
    resync(site)
    assert (row(site).actual, row(site).version) == ("absent", before + 2)


def test_a_vm_that_goes_off_while_it_is_waited_for_is_an_error(site):
    steps = create(site)
    do(steps[:4])
    site.home.hypervisor.stop(VM, force=True)
    with pytest.raises(AgentSilent, match="went off"):
        steps[4].do(lambda _line: None)


def test_resync_leaves_alone_what_a_job_works_on(site):
    do(create(site))
    with transaction(site.engine) as session:
        session.get(Job, row(site).job_id).state = "running"
    site.home.hypervisor.stop(VM, force=True)
    resync(site)
    assert row(site).actual == "running"


def test_resync_does_not_write_over_a_job_that_was_quicker(site, monkeypatch):
    do(create(site))
    states = site.home.hypervisor.states

    def slow():
        seen = states()
        with transaction(site.engine) as session:
            record(session, VM, Power.STOPPED, agent=False)
        return dict.fromkeys(seen, Power.ABSENT)

    monkeypatch.setattr(site.home.hypervisor, "states", slow)
    resync(site)
    assert row(site).actual == "stopped"


def test_a_node_never_asked_is_asked_before_a_vm_is_defined(site, monkeypatch):
    """A guest defined without knowing would translate for ever where KVM works."""
    asked = []

    def take(_site, name):
        asked.append(name)
        return "kvm"

    monkeypatch.setattr("controller.workers.nodes.take", take)
    steps = create(site)
    do(steps[:3])
    assert asked == []
    with transaction(site.engine) as session:
        session.get(Node, "n0").accelerator = None
    assert nodes.accelerator(site, "n0") is Accelerator.KVM
    nodes.know(site)
    assert asked == ["n0", "n0"]

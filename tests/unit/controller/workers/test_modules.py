"""Modules whose rows or guests say what they should not; the rest of the box goes on."""

import json
import tomllib
from pathlib import Path

import pytest

from appliance.host import LocalHost
from appliance.settings import Settings
from controller.actions.modules import RemoveModule
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.jobs.trust import NotTrusted
from controller.records.session import open_records, reading, transaction
from controller.records.tables import Base, Module, Node, Vm
from controller.workers import modules
from controller.workers.health import ask_all
from controller.workers.site import NodeDrivers, Site

MODULES = Path(__file__).parents[4] / "appliance" / "modules"


def manifest(module):
    return json.loads(
        json.dumps(tomllib.loads((MODULES / module / "module.toml").read_text("utf-8")))
    )


class Garbled(FakeHypervisor):
    """One machine whose agent answers what no agent answers."""

    def run(self, vm_id, argv, *, stdin=b"", timeout=60.0):
        if vm_id == "v0":
            raise KeyError("return")
        return super().run(vm_id, argv, stdin=stdin, timeout=timeout)


@pytest.fixture
def site(tmp_path):
    engine = open_records(f"sqlite:///{tmp_path / 'box.sqlite'}")
    Base.metadata.create_all(engine)
    with transaction(engine) as session:
        session.add(Node(name="n0", accelerator="tcg"))
        for number, module in enumerate(("appointment", "his-standin")):
            session.add(
                Vm(
                    id=f"v{number}", name=f"v{number}", node="n0", zone="extranet",
                    address=f"10.88.0.{10 + number}", mac=f"52:54:00:00:00:0{number}", vcpus=1,
                    memory_mib=512, disk_gib=2, wished="running", actual="running", job_id="j",
                    created_at="now",
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Module(
                    id=module, version="0.1.0", vendor="hbox", summary_zh="", summary_en="",
                    simulated=False, digest="0" * 64, key="k", vm_id=f"v{number}",
                    manifest=manifest(module), state="running", job_id="j",
                )
            )  # fmt: skip
    drivers = NodeDrivers(Garbled(tmp_path / "fake"), DirStorage(tmp_path / "volumes", LocalHost()))
    return Site(Settings(state=tmp_path), engine, {"n0": drivers})


def test_a_manifest_put_there_for_another_module_removes_nothing(site):
    with transaction(site.engine) as session:
        session.get(Module, "appointment").manifest = manifest("his-standin")
    with pytest.raises(NotTrusted):
        modules.remove(RemoveModule("appointment"), site)
    assert len(modules.remove(RemoveModule("his-standin"), site)) == 3


def test_a_guest_that_talks_nonsense_does_not_hide_the_health_of_others(site):
    ask_all(site)
    with reading(site.engine) as session:
        said = {m.id: m.health for m in session.query(Module)}
    assert said["appointment"]["ok"] is False
    assert "KeyError" in said["appointment"]["body"]
    assert said["his-standin"] is not None

"""The fake passes the same suite as the real ones; and the suite notices a driver that does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from controller.drivers.base import Disk, NotRunning, Power
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage import FileSource
from controller.drivers.suite import Nonconforming, conform
from tests.unit.controller.drivers.test_domain_xml import SPEC


def test_the_fake_conforms(tmp_path):
    conform(FakeHypervisor(tmp_path), SPEC)


class Forgetful(FakeHypervisor):
    def stop(self, vm_id, *, force=False, patience=90.0):
        pass


class Silent(FakeHypervisor):
    def start(self, vm_id):
        if self.state(vm_id) is not Power.ABSENT:
            super().start(vm_id)


class Clinging(FakeHypervisor):
    def undefine(self, vm_id):
        if self.state(vm_id) is not Power.RUNNING:
            super().undefine(vm_id)
        else:
            self.stop(vm_id)


@pytest.mark.parametrize("driver", [Forgetful, Silent, Clinging])
def test_the_suite_notices_a_broken_driver(tmp_path, driver):
    with pytest.raises(Nonconforming):
        conform(driver(tmp_path), SPEC)


def test_vms_survive_the_process(tmp_path):
    FakeHypervisor(tmp_path).define(SPEC)
    FakeHypervisor(tmp_path).start(SPEC.id)
    assert FakeHypervisor(tmp_path).states() == {SPEC.id: Power.RUNNING}


def test_plugging_needs_a_running_vm(tmp_path):
    driver = FakeHypervisor(tmp_path)
    driver.define(replace(SPEC, disks=()))
    with pytest.raises(NotRunning):
        driver.attach(SPEC.id, Disk(FileSource(Path("/x")), "x"))

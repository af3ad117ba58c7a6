"""The fake passes the same suite as the real ones; and the suite notices a driver that does not."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import clock
from appliance.errors import BoxError
from controller.drivers import suite_guest
from controller.drivers.base import (
    Disk,
    EngineFailed,
    Link,
    Moved,
    NotRunning,
    Power,
    Target,
)
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage import FileSource
from controller.drivers.suite import SUITE, conform
from controller.drivers.suite_bench import Bench, Elsewhere, Nonconforming
from tests.unit.controller.drivers.test_domain_xml import SPEC

THERE = Target("n1", "fake://n1", "192.0.2.1")


def bench(folder, kind=FakeHypervisor):
    here, away = kind(folder / "n0"), FakeHypervisor(folder / "n1")
    return Bench(
        here,
        SPEC,
        disk=Disk(FileSource(folder / "more.qcow2"), "more"),
        link=Link("br-int", "52:54:0a:42:00:0b", "hm0a42000b"),
        agent=True,
        elsewhere=Elsewhere(away, THERE, Target("n0", "fake://n0", "192.0.2.2")),
    )


def test_the_fake_conforms(short_path):
    assert conform(bench(short_path)) == [promise.keep.__name__ for promise in SUITE]
    assert list((short_path / "n0").iterdir()) == list((short_path / "n1").iterdir()) == []


@pytest.fixture
def short_path(tmp_path_factory):
    """A Unix socket's path has 107 bytes: the test's long name would not fit."""
    return tmp_path_factory.mktemp("f")


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


class Restless(FakeHypervisor):
    def start(self, vm_id):
        super().start(vm_id)
        self.resume(vm_id)


class Sleepless(FakeHypervisor):
    def pause(self, vm_id):
        self._read(vm_id)


class Boastful(FakeHypervisor):
    def resize(self, vm_id, vcpus, memory_mib):
        super().resize(vm_id, vcpus, memory_mib)
        return True


class Small(FakeHypervisor):
    def resize(self, vm_id, vcpus, memory_mib):
        return super().resize(vm_id, vcpus, self._read(vm_id).shape.memory_mib)


class Lasting(FakeHypervisor):
    def attach(self, vm_id, disk, *, keep=False):
        super().attach(vm_id, disk, keep=True)


class Fleeting(FakeHypervisor):
    def attach(self, vm_id, disk, *, keep=False):
        super().attach(vm_id, disk)


class Sticky(FakeHypervisor):
    def detach(self, vm_id, serial):
        pass


class Wired(FakeHypervisor):
    def unplug(self, vm_id, mac):
        pass


class Blind(FakeHypervisor):
    def seen(self, vm_id):
        found = super().seen(vm_id)
        return found and replace(found, bridges=())


class Idle(FakeHypervisor):
    def stats(self):
        return {}


class Dark(FakeHypervisor):
    def screen(self, vm_id):
        raise NotRunning(name=vm_id)


class Shared(FakeHypervisor):
    def serial(self, vm_id):
        if vm_id in self._lines:
            return self._lines[vm_id]
        return super().serial(vm_id)


class Deaf(FakeHypervisor):
    def freeze(self, vm_id):
        return False


class Staying(FakeHypervisor):
    def migrate(self, vm_id, target, tell):
        tell(1.0)
        return Moved(1, 1, 1, encrypted=True)


class Plain(FakeHypervisor):
    def migrate(self, vm_id, target, tell):
        return replace(super().migrate(vm_id, target, tell), encrypted=False)


class Mute(FakeHypervisor):
    def migrate(self, vm_id, target, tell):
        return super().migrate(vm_id, target, lambda _part: None)


class Doubling(FakeHypervisor):
    def migrate(self, vm_id, target, tell):
        kept = self._read(vm_id)
        moved = super().migrate(vm_id, target, tell)
        self._write(vm_id, kept)
        return moved


BROKEN = [
    Forgetful, Silent, Clinging, Restless, Sleepless, Boastful, Small, Lasting, Fleeting, Sticky,
    Wired, Blind, Idle, Dark, Shared, Deaf, Staying, Plain, Mute, Doubling,
]  # fmt: skip


@pytest.mark.parametrize("driver", BROKEN)
def test_the_suite_notices_a_broken_driver(short_path, driver, monkeypatch):
    monkeypatch.setattr(suite_guest, "_TAKEN", 1.0)  # patience is for real engines on busy machines
    with pytest.raises((Nonconforming, NotRunning)):
        conform(bench(short_path, driver))


def test_vms_survive_the_process(tmp_path):
    FakeHypervisor(tmp_path).define(SPEC)
    FakeHypervisor(tmp_path).start(SPEC.id)
    assert FakeHypervisor(tmp_path).states() == {SPEC.id: Power.RUNNING}


def test_plugging_needs_a_running_vm(tmp_path):
    driver = FakeHypervisor(tmp_path)
    driver.define(replace(SPEC, disks=()))
    with pytest.raises(NotRunning):
        driver.attach(SPEC.id, Disk(FileSource(Path("/x")), "x"))


class Dead(Exception):
    """The process died."""


def dying(part):
    raise Dead


def test_a_move_goes_on_without_the_process(tmp_path):
    """Asked again it waits for the one that runs; and whoever comes later finds it there."""
    here = FakeHypervisor(tmp_path / "n0", crossing=0.3)
    here.define(SPEC)
    here.start(SPEC.id)
    began = clock.monotonic()
    with pytest.raises(Dead):
        here.migrate(SPEC.id, THERE, dying)
    assert here.state(SPEC.id) is Power.RUNNING
    FakeHypervisor(tmp_path / "n0", crossing=9).migrate(SPEC.id, THERE, lambda part: None)
    assert clock.monotonic() - began < 3, "it began anew instead of waiting"
    assert FakeHypervisor(tmp_path / "n1").states() == {SPEC.id: Power.RUNNING}


def test_a_move_that_nobody_waits_for_ends_on_one_side(tmp_path):
    here, there = FakeHypervisor(tmp_path / "n0", crossing=0.2), FakeHypervisor(tmp_path / "n1")
    here.define(SPEC)
    here.start(SPEC.id)
    with pytest.raises(Dead):
        here.migrate(SPEC.id, THERE, dying)
    assert (here.state(SPEC.id), there.state(SPEC.id)) == (Power.RUNNING, Power.ABSENT)
    clock.pause(0.25)
    assert (there.state(SPEC.id), here.state(SPEC.id)) == (Power.RUNNING, Power.ABSENT)


def test_a_move_can_be_canceled(tmp_path):
    here = FakeHypervisor(tmp_path / "n0", crossing=30)
    here.define(SPEC)
    here.start(SPEC.id)
    failed = []

    def move():
        try:
            here.migrate(SPEC.id, THERE, lambda part: None)
        except BoxError as error:
            failed.append(error)

    thread = threading.Thread(target=move)
    thread.start()
    while not list((tmp_path / "n1").glob(".*")):
        clock.pause(0.01)
    here.cancel_migration(SPEC.id)
    thread.join(5)
    assert isinstance(failed[0], EngineFailed)
    assert here.state(SPEC.id) is Power.RUNNING

"""Volumes and templates: every kind of job on one."""

import hashlib

from appliance.host import LocalHost
from controller.actions.base import Action
from controller.actions.templates import CheckTemplate, ImportTemplate, RemoveTemplate
from controller.actions.volumes import (
    AttachVolume,
    CreateVolume,
    DeleteVolume,
    DetachVolume,
    GrowVolume,
)
from controller.actions.volumes_kept import (
    CloneVolume,
    DropVolumeSnapshot,
    RollBackVolume,
    SnapshotVolume,
)
from controller.actions.volumes_moving import MoveVolume
from tests.crash.case import Case
from tests.crash.cases_vms import VM, machine, settled
from tests.crash.world import HOME, World

VOLUME = "7f1c1b1e-0000-4000-8000-000000000001"
COPY = "7f1c1b1e-0000-4000-8000-000000000002"
TEMPLATE = "7f1c1b1e-0000-4000-8000-000000000003"
UPLOAD = "7f1c1b1e-0000-4000-8000-000000000004.img"

_CREATE = CreateVolume(VOLUME, "records", 1, "dir", HOME)


def _there(action: Action, *earlier: Action):
    def prepare(world: World) -> Action:
        settled(world, _CREATE)
        for one in earlier:
            settled(world, one)
        return action

    return prepare


def _on_machine(action: Action, *earlier: Action):
    def prepare(world: World) -> Action:
        machine(world)
        return _there(action, *earlier)(world)

    return prepare


def _importing(world: World) -> ImportTemplate:
    uploads = world.folder / "uploads"
    uploads.mkdir(exist_ok=True)
    file = uploads / UPLOAD
    flat = world.folder / "flat"
    flat.write_bytes(hashlib.sha256(b"a disk").digest() * 65536)
    LocalHost().run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(flat), str(file)])
    flat.unlink()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return ImportTemplate(TEMPLATE, "debian", "13", UPLOAD, digest, "disk")


def _template(action: Action):
    def prepare(world: World) -> Action:
        settled(world, _importing(world))
        return action

    return prepare


_SNAPSHOT = SnapshotVolume(VOLUME, "monday", "")
CASES: dict[str, list[Case]] = {
    "volume.create": [Case(lambda _world: _CREATE)],
    "volume.attach": [Case(_on_machine(AttachVolume(VOLUME, VM)))],
    "volume.detach": [Case(_on_machine(DetachVolume(VOLUME, VM), AttachVolume(VOLUME, VM)))],
    "volume.grow": [Case(_there(GrowVolume(VOLUME, 2, "")), returns=False)],
    "volume.snapshot": [Case(_there(_SNAPSHOT))],
    "volume.rollback": [
        Case(_there(RollBackVolume(VOLUME, "monday", ""), _SNAPSHOT), changes=False)
    ],
    "volume.snapshot.drop": [Case(_there(DropVolumeSnapshot(VOLUME, "monday", ""), _SNAPSHOT))],
    "volume.clone": [
        Case(_there(CloneVolume(COPY, VOLUME, "monday", "copy", full), _SNAPSHOT))
        for full in (True, False)
    ],
    "volume.move": [Case(_there(MoveVolume(VOLUME, "rbd", "", "", "dir", HOME)))],
    "volume.delete": [Case(_there(DeleteVolume(VOLUME)), returns=False)],
    "template.import": [
        Case(_importing, ignored=frozenset({"templates.signature", "templates.signer"}))
    ],
    "template.check": [Case(_template(CheckTemplate(TEMPLATE)), changes=False)],
    "template.remove": [Case(_template(RemoveTemplate(TEMPLATE)), returns=False)],
}

"""Replicated storage: list, show, set up; its disks: list, add, remove, replace."""

from appliance.errors import NotFound, Text
from controller.actions.storage import (
    NAME,
    AddDisk,
    RemoveDisk,
    ReplaceDisk,
    SetUpStorage,
    find,
)
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.storage import DiskIn, NewDiskIn, OsdDiskOut, StorageIn, StorageOut
from controller.records import storages


@route(
    Form(
        "GET",
        "/api/v1/storages",
        Text("列出共享存储", "List the storages that every node reaches"),
        READERS,
        answer=Items[StorageOut],
    )
)
def list_storages(call: Call) -> Answer:
    """Answer with the storages by name."""
    found = call.read(storages.many)
    return Answer(Items[StorageOut](items=[StorageOut.model_validate(row) for row in found]))


@route(
    Form(
        "GET",
        "/api/v1/storages/<storage>",
        Text("查看共享存储", "Show a storage"),
        READERS,
        answer=StorageOut,
    )
)
def show_storage(call: Call, storage: str) -> Answer:
    """Answer with one storage."""
    found = call.read(lambda session: storages.get(session, storage))
    return Answer(StorageOut.model_validate(found))


@route(
    Form(
        "POST",
        "/api/v1/storages",
        Text("建立三副本存储", "Set up replicated storage"),
        SetUpStorage.roles,
        answer=JobOut,
        body=StorageIn,
        status=202,
    )
)
def set_up_storage(call: Call) -> Answer:
    """Submit the set-up."""
    asked = call.json(StorageIn)
    disks = ",".join(f"{disk.node}:{disk.path}" for disk in asked.disks)
    return call.submit(SetUpStorage(",".join(asked.nodes), disks))


@route(
    Form(
        "GET",
        "/api/v1/storages/<storage>/disks",
        Text("列出存储的磁盘", "List a storage's disks"),
        READERS,
        answer=Items[OsdDiskOut],
    )
)
def list_disks(call: Call, storage: str) -> Answer:
    """Answer with the disks by node and path."""
    call.read(lambda session: storages.get(session, storage))
    found = call.read(storages.disks)
    return Answer(Items[OsdDiskOut](items=[OsdDiskOut.model_validate(row) for row in found]))


@route(
    Form(
        "POST",
        "/api/v1/storages/<storage>/disks",
        Text("向存储添加磁盘", "Add a disk to a storage"),
        AddDisk.roles,
        answer=JobOut,
        body=DiskIn,
        status=202,
    )
)
def add_disk(call: Call, storage: str) -> Answer:
    """Submit the addition."""
    _only(storage)
    asked = call.json(DiskIn)
    return call.submit(AddDisk(asked.node, asked.path))


@route(
    Form(
        "POST",
        "/api/v1/storages/<storage>/disks/<osd>/remove",
        Text("从存储移除磁盘", "Remove a disk from a storage"),
        RemoveDisk.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_disk(call: Call, storage: str, osd: str) -> Answer:
    """Submit the removal; the disk is named by its number."""
    _only(storage)
    return call.submit(RemoveDisk(call.read(lambda session: find(session, osd).id)))


@route(
    Form(
        "POST",
        "/api/v1/storages/<storage>/disks/<osd>/replace",
        Text("更换存储的磁盘", "Replace a disk of a storage"),
        ReplaceDisk.roles,
        answer=JobOut,
        body=NewDiskIn,
        status=202,
    )
)
def replace_disk(call: Call, storage: str, osd: str) -> Answer:
    """Submit the replacement; the disk is named by its number."""
    _only(storage)
    asked = call.json(NewDiskIn)
    return call.submit(ReplaceDisk(call.read(lambda session: find(session, osd).id), asked.path))


def _only(storage: str) -> None:
    if storage != NAME:
        raise NotFound(what="存储 storage", name=storage)

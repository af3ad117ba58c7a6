"""Volumes: list, show, create, attach, detach, grow, delete."""

from collections.abc import Callable
from functools import cache

from sqlalchemy import and_, true
from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import NotFound, Stale, Text
from controller.access import reach
from controller.actions.base import Action
from controller.actions.volumes import (
    AttachVolume,
    CreateVolume,
    DeleteVolume,
    DetachVolume,
    GrowVolume,
)
from controller.actions.volumes_one import OWN
from controller.api.call import Answer, Call
from controller.api.listing import Columns, listed
from controller.api.route import VIEWERS, Form, route
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.lists import Listed, ListQuery, part_of
from controller.api.schemas.volumes import AttachIn, GrowIn, VolumeIn, VolumeOut
from controller.api.vms_one import found as found_vm
from controller.records import nodes, volumes
from controller.records.tables import Volume


class VolumeFilter(ListQuery):
    """Which volumes, and which of their fields."""

    kind: str | None = None
    vm_id: str | None = None
    storage: str | None = None
    tenant: str | None = None


VolumePart = part_of(VolumeOut)


@route(
    Form(
        "GET",
        "/api/v1/volumes",
        Text("列出卷", "List the volumes"),
        VIEWERS,
        answer=Listed[VolumePart],  # type: ignore[valid-type]  # made from VolumeOut, field by field
        query=VolumeFilter,
    )
)
def list_volumes(call: Call) -> Answer:
    """Answer with the volumes by id."""
    asked = call.asked(VolumeFilter)
    given = [
        column == value
        for column, value in (
            (Volume.kind, asked.kind),
            (Volume.vm_id, asked.vm_id),
            (Volume.storage, asked.storage),
            (Volume.tenant, asked.tenant),
        )
        if value is not None
    ]
    return listed(call, asked, columns(), and_(true(), *given, reach.volumes(call.principal)))


@cache
def columns() -> Columns:
    """Return what the list shows: the fields of `VolumeOut`, read from the volume's row."""
    own = {name: Volume.__table__.c[name] for name in VolumeOut.model_fields}
    return Columns(own, "id", Volume.__table__)


@route(
    Form(
        "GET",
        "/api/v1/volumes/<volume>",
        Text("查看卷", "Show a volume"),
        VIEWERS,
        answer=VolumeOut,
    )
)
def show_volume(call: Call, volume: str) -> Answer:
    """Answer with one volume, by name or id, and its ETag."""
    shown = call.read(lambda session: VolumeOut.model_validate(found(call, session, volume)))
    return Answer(shown, headers={"ETag": f'"{shown.version}"'})


@route(
    Form(
        "POST",
        "/api/v1/volumes",
        Text("建立卷", "Create a volume"),
        CreateVolume.roles,
        answer=JobOut,
        body=VolumeIn,
        status=202,
    )
)
def create_volume(call: Call) -> Answer:
    """Submit the creation; the id is given by the box."""
    asked = call.json(VolumeIn)

    def made(session: Session) -> CreateVolume:
        own = asked.storage == OWN and not asked.node
        node = nodes.first(session).name if own else asked.node
        return CreateVolume(
            chance.new_id(), asked.name, asked.gib, asked.storage, node, asked.tenant
        )

    return call.submit(made)


@route(
    Form(
        "POST",
        "/api/v1/volumes/<volume>/attach",
        Text("将卷接入虚拟机", "Attach a volume to a machine"),
        AttachVolume.roles,
        answer=JobOut,
        body=AttachIn,
        status=202,
    )
)
def attach_volume(call: Call, volume: str) -> Answer:
    """Submit the attachment."""
    vm = call.json(AttachIn).vm

    def made(session: Session) -> AttachVolume:
        owner = volumes.action_id(found(call, session, volume))
        return AttachVolume(owner, found_vm(call, session, vm).id)

    return ask(call, volume, made)


@route(
    Form(
        "POST",
        "/api/v1/volumes/<volume>/detach",
        Text("将卷从虚拟机取下", "Detach a volume from its machine"),
        DetachVolume.roles,
        answer=JobOut,
        status=202,
    )
)
def detach_volume(call: Call, volume: str) -> Answer:
    """Submit the detachment."""

    def made(session: Session) -> DetachVolume:
        row = found(call, session, volume)
        return DetachVolume(volumes.action_id(row), row.vm_id or "")

    return ask(call, volume, made)


@route(
    Form(
        "POST",
        "/api/v1/volumes/<volume>/grow",
        Text("扩大卷", "Enlarge a volume"),
        GrowVolume.roles,
        answer=JobOut,
        body=GrowIn,
        status=202,
    )
)
def grow_volume(call: Call, volume: str) -> Answer:
    """Submit the growth."""
    gib = call.json(GrowIn).gib

    def made(session: Session) -> GrowVolume:
        row = found(call, session, volume)
        return GrowVolume(volumes.action_id(row), gib, row.vm_id or "")

    return ask(call, volume, made)


@route(
    Form(
        "DELETE",
        "/api/v1/volumes/<volume>",
        Text("删除卷并清除内容", "Delete a volume and erase its content"),
        DeleteVolume.roles,
        answer=JobOut,
        status=202,
    )
)
def delete_volume(call: Call, volume: str) -> Answer:
    """Submit the deletion."""
    return ask(call, volume, lambda s: DeleteVolume(volumes.action_id(found(call, s, volume))))


def found(call: Call, session: Session, volume: str) -> Volume:
    """Return the volume's row by name or id; one that is out of reach is not there."""
    row = volumes.get(session, volume)
    call.see(session, f"volume/{row.id}", NotFound(what="卷 volume", name=volume))
    return row


def ask(call: Call, volume: str, made: Callable[[Session], Action]) -> Answer:
    """Submit an action about the volume, unless it has changed since the asker read it (`If-Match`)."""

    def guard(session: Session) -> None:
        wanted = call.if_match
        if wanted not in (None, "*", f'"{volumes.get(session, volume).version}"'):
            raise Stale

    return call.submit(made, guard)

"""A volume's kept states and its place: snapshot, roll back, drop, clone, move."""

from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import Text
from controller.actions.volumes_kept import (
    CloneVolume,
    DropVolumeSnapshot,
    RollBackVolume,
    SnapshotVolume,
)
from controller.actions.volumes_moving import MoveVolume
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.volumes import CloneIn, MoveIn, VolumeSnapshotIn
from controller.api.volumes import ask, found
from controller.records import volumes


@route(
    Form(
        "POST",
        "/api/v1/volumes/<volume>/snapshots",
        Text("建立卷快照", "Take a snapshot of a volume"),
        SnapshotVolume.roles,
        answer=JobOut,
        body=VolumeSnapshotIn,
        status=202,
    )
)
def snapshot_volume(call: Call, volume: str) -> Answer:
    """Submit the snapshot."""
    name = call.json(VolumeSnapshotIn).name

    def made(session: Session) -> SnapshotVolume:
        row = found(call, session, volume)
        return SnapshotVolume(volumes.action_id(row), name, row.vm_id or "")

    return ask(call, volume, made)


@route(
    Form(
        "POST",
        "/api/v1/volumes/<volume>/snapshots/<snapshot>/rollback",
        Text("回滚卷", "Roll a volume back to a snapshot"),
        RollBackVolume.roles,
        answer=JobOut,
        status=202,
    )
)
def roll_back_volume(call: Call, volume: str, snapshot: str) -> Answer:
    """Submit the way back; its machine must be off."""

    def made(session: Session) -> RollBackVolume:
        row = found(call, session, volume)
        return RollBackVolume(volumes.action_id(row), snapshot, row.vm_id or "")

    return ask(call, volume, made)


@route(
    Form(
        "DELETE",
        "/api/v1/volumes/<volume>/snapshots/<snapshot>",
        Text("删除卷快照", "Drop a volume's snapshot"),
        DropVolumeSnapshot.roles,
        answer=JobOut,
        status=202,
    )
)
def drop_volume_snapshot(call: Call, volume: str, snapshot: str) -> Answer:
    """Submit the dropping."""

    def made(session: Session) -> DropVolumeSnapshot:
        row = found(call, session, volume)
        return DropVolumeSnapshot(volumes.action_id(row), snapshot, row.vm_id or "")

    return ask(call, volume, made)


@route(
    Form(
        "POST",
        "/api/v1/volumes/<volume>/clone",
        Text("克隆卷", "Clone a volume"),
        CloneVolume.roles,
        answer=JobOut,
        body=CloneIn,
        status=202,
    )
)
def clone_volume(call: Call, volume: str) -> Answer:
    """Submit the cloning; the new volume's id is given by the box."""
    asked = call.json(CloneIn)

    def made(session: Session) -> CloneVolume:
        origin = volumes.action_id(found(call, session, volume))
        return CloneVolume(chance.new_id(), origin, asked.snapshot, asked.name, asked.full)

    return ask(call, volume, made)


@route(
    Form(
        "POST",
        "/api/v1/volumes/<volume>/move",
        Text("移动卷到其他存储", "Move a volume to another storage"),
        MoveVolume.roles,
        answer=JobOut,
        body=MoveIn,
        status=202,
    )
)
def move_volume(call: Call, volume: str) -> Answer:
    """Submit the move; its machine must be off."""
    asked = call.json(MoveIn)

    def made(session: Session) -> MoveVolume:
        row = found(call, session, volume)
        own = volumes.action_id(row)
        vm = row.vm_id or ""
        return MoveVolume(own, asked.storage, asked.node, vm, row.storage, row.node)

    return ask(call, volume, made)

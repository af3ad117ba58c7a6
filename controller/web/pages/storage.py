"""The storage: one lamp for the safety of the data, how full it is, its disks, and setting it up."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from appliance.errors import BadInput
from controller.actions.storage import SetUpStorage, name
from controller.records import nodes
from controller.records.cluster import OsdDisk
from controller.records.tables import Job
from controller.web.deeds import Deed
from controller.web.desk import Desk, text
from controller.web.facts.jobs import ACTIVE
from controller.web.facts.stores import disks, free_disks, stores
from controller.web.route import READERS, SYSTEM, Route


def show(desk: Desk) -> ResponseReturnValue:
    """Show the storages and the disks of the replicated one."""
    with desk.records() as session:
        busy = select(Job).where(Job.kind.startswith("storage."), Job.state.in_(ACTIVE))
        return desk.render(
            "storage.html",
            stores=stores(session),
            disks=disks(session),
            free=free_disks(session),
            nodes=nodes.many(session),
            busy=session.scalar(busy.limit(1)),
        )


def set_up(desk: Desk) -> ResponseReturnValue:
    """Ask for the replicated storage on the disks that were ticked."""
    chosen = [one.partition(":") for one in request.form.getlist("disk")]
    if not all(path.startswith("/") for _node, _, path in chosen):
        raise BadInput(what="disk", why="应为 节点:路径 must be node:path")
    members = sorted({node for node, _, _path in chosen})
    names = ",".join(sorted(name(node, path) for node, _, path in chosen))
    return desk.ask(SetUpStorage(nodes=",".join(members), disks=names))


def before(desk: Desk) -> ResponseReturnValue:
    """Say what taking a disk out, or putting another in its place, does and needs."""
    with desk.records() as session:
        disk = session.get(OsdDisk, request.args.get("disk", "")[:192])
        if disk is None:
            raise BadInput(what="disk", why="没有这个磁盘 there is no such disk")
        free = [path for node, path in free_disks(session) if node == disk.node]
        others = [one for one in disks(session) if one.id != disk.id and one.state == "in"]
        store = next((one for one in stores(session) if one.row.kind == "rbd"), None)
    return desk.render("storage_disk.html", disk=disk, free=free, others=others, store=store)


_DISK = {"disk": text}
ROUTES = (
    Route("/storage", show, READERS),
    Route("/storage/setup", set_up, SYSTEM, "POST"),
    Route("/storage/disk", before, SYSTEM),
    *(
        deed.route(__name__)
        for deed in (
            Deed(
                "/storage/disks/add",
                "storage.disk.add",
                {"node": text, "path": text},
                roles=SYSTEM,
            ),
            Deed("/storage/disks/remove", "storage.disk.remove", _DISK, roles=SYSTEM),
            Deed(
                "/storage/disks/replace",
                "storage.disk.replace",
                {**_DISK, "path": text},
                roles=SYSTEM,
            ),
        )
    ),
)

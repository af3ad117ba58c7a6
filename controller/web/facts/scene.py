"""What the topology drawing shows, read from the records: the whole box, however many nodes it has."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text
from controller.records.tables import Node, Vm
from controller.web.drawings.topology import Lane, Machine, Member, Scene
from controller.web.facts import channels, jobs, modules, transfers
from controller.web.facts.modules import ModuleView
from controller.web.words import mark

_HOUR = dt.timedelta(hours=1)
_IN_HAND = Text("处理中", "in hand")


def scenes(session: Session, folder: Path) -> list[Scene]:
    """Return the box as one scene (none while no node is recorded); `folder` is the gateway's."""
    homes = {module.row.vm_id: module for module in modules.all_of(session)}
    nodes = session.scalars(select(Node).order_by(Node.home.desc(), Node.name)).all()
    if not nodes:
        return []
    vms = session.scalars(select(Vm).order_by(Vm.name)).all()
    busy = {job.object for job in jobs.active(session, limit=1000)}
    drawn = [(vm, _machine(vm, homes.get(vm.id), busy=f"vm/{vm.id}" in busy)) for vm in vms]
    members = tuple(_member(node, alone=len(nodes) == 1) for node in nodes)
    return [
        Scene(
            members, _placed(drawn, "extranet"), _placed(drawn, "intranet"), _lanes(session, folder)
        )
    ]


def _member(node: Node, *, alone: bool) -> Member:
    shown = mark("node", "away" if node.why else node.state)
    engine = (node.accelerator or "").upper() or "未采集 not inspected"
    return Member(node.name, engine, shown.tone, shown.text, home=node.home or alone)


def _lanes(session: Session, folder: Path) -> tuple[Lane, ...]:
    passed = transfers.by_channel(session, clock.now() - _HOUR)
    return tuple(
        Lane(
            each.id,
            each.direction == "extranet->intranet",
            passed.get(each.id, 0),
            each.dead,
            each.paused,
        )
        for each in channels.in_force(session, folder)
    )


def _placed(drawn: Sequence[tuple[Vm, Machine]], zone: str) -> tuple[Machine, ...]:
    return tuple(machine for vm, machine in drawn if vm.zone == zone)


def _machine(vm: Vm, module: ModuleView | None, *, busy: bool) -> Machine:
    return Machine(
        name=vm.name,
        address=vm.address,
        label=_label(module),
        tone="busy" if busy else _tone(vm, module),
        state=_IN_HAND if busy else mark("vm", vm.actual).text,
        href=f"/vms/{vm.id}",
        node=vm.node,
    )


def _label(module: ModuleView | None) -> str:
    if module is None:
        return ""
    named = module.title.zh
    return f"{named}（模拟）" if module.row.simulated and "模拟" not in named else named


def _tone(vm: Vm, module: ModuleView | None) -> str:
    if vm.actual == "unknown":
        return "warn"
    if vm.drift or vm.wished != vm.actual or (module is not None and module.health == "failing"):
        return "bad"
    if vm.actual != "running":
        return "off"
    return "ok" if vm.agent else "warn"

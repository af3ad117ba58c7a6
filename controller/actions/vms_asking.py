"""From what a person asks for to a whole action: what was left open is decided here, in one transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.actions import placing
from controller.actions.vms import CreateVm
from controller.actions.vms_moving import CloneVm
from controller.actions.vms_one import find
from controller.records.cluster import Template

BUILT_IN = "guest-base"
"""What the box's own guest base image is called where a template can be named."""


def creation(session: Session, vm_id: str, asked: Mapping[str, Any]) -> CreateVm:
    """Return the creation of a machine; an empty `node` or `storage` is the box's to choose.

    `asked` has the fields of `CreateVm` but for `vm_id`, with `template` (a name or id) for its id. Raises
    `NoPlace`, `NotFound` and `BadInput`.
    """
    fields = dict(asked)
    template = template_id(session, str(fields.pop("template", "")))
    storage = placing.storage(session, str(fields.get("storage", "")))
    wanted = placing.Wanted(
        int(fields["vcpus"]), int(fields["memory_mib"]), storage, str(fields.get("apart", ""))
    )
    node = str(fields.get("node", "")) or placing.place(session, wanted)
    chosen = {"node": node, "storage": storage, "template_id": template}
    return CreateVm(vm_id=vm_id, **{**fields, **chosen})


def cloning(session: Session, vm_id: str, origin: str, asked: Mapping[str, Any]) -> CloneVm:
    """Return the clone of the machine `origin`; an empty `node` is the box's to choose."""
    vm = find(session, origin)
    node = str(asked.get("node", ""))
    if not node and (placing.own_volumes(session, vm) or vm.storage == placing.OWN):
        node = vm.node
    node = node or placing.place(session, placing.wanted_of(vm))
    return CloneVm(vm_id=vm_id, origin=origin, **{**asked, "node": node})


def target(session: Session, vm_id: str, node: str = "") -> str:
    """Return the node that the machine should move to: the one asked for, or the box's choice."""
    if node:
        return node
    vm = find(session, vm_id)
    others = [room for room in placing.rooms(session, without=vm_id) if room.name != vm.node]
    return placing.among(others, placing.wanted_of(vm))


def template_id(session: Session, asked: str) -> str:
    """Return the id of the template of that name (its newest version) or id; "" for the built-in one."""
    if asked in ("", BUILT_IN):
        return ""
    rows = select(Template).where((Template.id == asked) | (Template.name == asked))
    found = session.scalar(rows.order_by(Template.created_at.desc()).limit(1))
    if found is None:
        raise NotFound(what="模板 template", name=asked)
    return found.id

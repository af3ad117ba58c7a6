"""What somebody with limits may see: conditions for lists, and the check for one object."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, and_, false, literal, or_, select, true
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.actions import places
from controller.actions.principal import Principal
from controller.actions.rights import ROOT, Need, Right, Scope
from controller.records.tables import Job, Vm, Volume

_VM, _TENANT = "/vms/", "/tenants/"
_One = Callable[[str], ColumnElement[bool]]


def vms(principal: Principal, right: Right = Right.VIEW) -> ColumnElement[bool]:
    """Return the condition on `Vm` rows that leaves those within reach."""
    return _layers(principal, right, _vm)


def volumes(principal: Principal, right: Right = Right.VIEW) -> ColumnElement[bool]:
    """Return the condition on `Volume` rows that leaves those within reach, alone or by their machine."""
    return _layers(principal, right, _volume)


def jobs(principal: Principal) -> ColumnElement[bool]:
    """Return the condition on `Job` rows: one's own, and those on machines and volumes within reach."""
    if not principal.bounds or principal.everywhere():
        return true()
    seen = select(literal("vm/") + Vm.id).where(vms(principal))
    disks = select(literal("volume/") + Volume.id).where(volumes(principal))
    return or_(Job.actor == principal.actor, Job.object.in_(seen), Job.object.in_(disks))


def tenants(principal: Principal) -> frozenset[str] | None:
    """Return the names of the tenants within reach, None for all of them."""
    layers = [_names(layer) for layer in principal.bounds]
    narrow = [names for names in layers if names is not None]
    return frozenset.intersection(*narrow) if narrow else None


def see(session: Session, principal: Principal, thing: str, told: NotFound | None = None) -> None:
    """Raise `told` (else `NotFound`) when `thing` (`noun/id`) is out of reach, as if it was not there."""
    if principal.bounds and not principal.reaches(Need(Right.VIEW, places.of(session, thing))):
        noun, _, key = thing.partition("/")
        raise told or NotFound(what=noun, name=key)


def _layers(principal: Principal, right: Right, one: _One) -> ColumnElement[bool]:
    found = []
    for layer in principal.bounds:
        scopes = [one(scope.path) for scope in layer if scope.right.holds(right)]
        found.append(or_(false(), *scopes))
    return and_(true(), *found)


def _vm(path: str) -> ColumnElement[bool]:
    if path == ROOT:
        return true()
    if path.startswith(_TENANT):
        return Vm.tenant == path.removeprefix(_TENANT)
    return Vm.id == path.removeprefix(_VM)


def _volume(path: str) -> ColumnElement[bool]:
    if path == ROOT:
        return true()
    by_machine = Volume.vm_id.in_(select(Vm.id).where(_vm(path)))
    if path.startswith(_TENANT):
        return or_(Volume.tenant == path.removeprefix(_TENANT), by_machine)
    return by_machine


def _names(layer: tuple[Scope, ...]) -> frozenset[str] | None:
    paths = [scope.path for scope in layer]
    if ROOT in paths:
        return None
    return frozenset(p.removeprefix(_TENANT) for p in paths if p.startswith(_TENANT))

"""Where an object lies in the tree of paths: `/`, its tenant's, its machine's."""

from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.actions.rights import ROOT
from controller.records.cluster import Snapshot, Tenant
from controller.records.tables import Vm, Volume


def of_tenant(name: str) -> tuple[str, ...]:
    """Return the paths that hold what belongs to the tenant `name` ("": nobody's, so only `/`)."""
    return (ROOT, f"/tenants/{name}") if name else (ROOT,)


def of(session: Session, thing: str) -> tuple[str, ...]:
    """Return every path that holds `thing` (`noun/id`, as in `Action.object`), the widest first."""
    noun, _, key = thing.partition("/")
    if noun == "vm":
        return of_vm(session, key)
    if noun == "volume":
        return _of_volume(session, key)
    if noun == "snapshot":
        held = session.get(Snapshot, key)
        return of_vm(session, held.vm_id) if held is not None else (ROOT,)
    return of_tenant(key) if noun == "tenant" else (ROOT,)


def of_vm(session: Session, vm_id: str) -> tuple[str, ...]:
    """Return every path that holds the machine; only `/` for one that is not there."""
    vm = session.get(Vm, vm_id)
    return (*of_tenant(vm.tenant), f"/vms/{vm_id}") if vm is not None else (ROOT,)


def there(session: Session, path: str) -> None:
    """Raise `NotFound` when `path` names a tenant or a machine that does not exist."""
    noun, _, key = path.strip("/").partition("/")
    if noun == "tenants" and session.get(Tenant, key) is None:
        raise NotFound(what="租户 tenant", name=key)
    if noun == "vms" and session.get(Vm, key) is None:
        raise NotFound(what="虚拟机 virtual machine", name=key)


def _of_volume(session: Session, key: str) -> tuple[str, ...]:
    """Find a volume by its name in its storage (`OWNER/KIND`) or by its owner's id alone."""
    held = session.get(Volume, key) or session.get(Volume, f"{key}/data")
    if held is None:
        return (ROOT,)
    own = of_tenant(held.tenant)
    return tuple(dict.fromkeys((*own, *of_vm(session, held.vm_id)))) if held.vm_id else own

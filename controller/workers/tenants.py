"""How tenants and grants change: the records alone, in one transaction each."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text
from controller.actions.accounts import find
from controller.actions.grants import AddGrant, RemoveGrant
from controller.actions.tenants import MOST, RemoveTenant, SetTenant, unused
from controller.jobs.steps import Say, Step
from controller.records.cluster import Grant, Tenant
from controller.workers.asker import asker
from controller.workers.site import Site


def set_limits(action: SetTenant, site: Site) -> Sequence[Step]:
    """Write the tenant's limits; it is made when it is not there."""

    def do(say: Say) -> None:
        limits = {what: getattr(action, what) for what in MOST}

        def work(session: Session) -> None:
            held = session.get(Tenant, action.name)
            if held is None:
                session.add(Tenant(name=action.name, created_at=clock.iso(), **limits))
            elif any(getattr(held, what) != limit for what, limit in limits.items()):
                for what, limit in limits.items():
                    setattr(held, what, limit)
                held.version += 1

        site.change(work)
        say(f"{action.name}: {limits}")

    return [Step("limits", Text("写入租户上限", "Write the tenant's limits"), do)]


def remove(action: RemoveTenant, site: Site) -> Sequence[Step]:
    """Remove the tenant, unless something came to belong to it meanwhile."""

    def do(say: Say) -> None:
        def work(session: Session) -> None:
            held = session.get(Tenant, action.name)
            if held is not None:
                unused(session, action.name)
                session.delete(held)

        site.change(work)
        say(f"{action.name} 已移除 removed")

    return [Step("remove", Text("移除租户", "Remove the tenant"), do)]


def grant(action: AddGrant, site: Site) -> Sequence[Step]:
    """Write the grant; undone, it is gone."""

    def do(say: Say) -> None:
        person = asker(site)

        def work(session: Session) -> None:
            if session.get(Grant, action.grant_id) is None:
                made = Grant(
                    id=action.grant_id,
                    account_id=find(session, action.account).id,
                    right=action.right_given,
                    path=action.path,
                    made_by=person,
                    created_at=clock.iso(),
                )
                session.add(made)

        site.change(work)
        say(f"{action.account}: {action.right_given} {action.path}")

    return [Step("grant", Text("写入授权", "Write the grant"), do, _ungrant(action, site))]


def ungrant(action: RemoveGrant, site: Site) -> Sequence[Step]:
    """Make sure that the grant is gone (the wish took it back at once)."""
    return [Step("ungrant", Text("收回授权", "Take the grant back"), _ungrant(action, site))]


def _ungrant(action: AddGrant | RemoveGrant, site: Site) -> Callable[[Say], None]:
    def undo(say: Say) -> None:
        def work(session: Session) -> None:
            held = session.get(Grant, action.grant_id)
            if held is not None:
                session.delete(held)

        site.change(work)
        say(f"{action.account}: – {action.path}")

    return undo

"""Who may what: grants on object paths, given by the security administrator; and one's own API tokens."""

from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from appliance import clock
from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Conflict, Forbidden, NotFound
from controller.access import tokens
from controller.actions.base import Role
from controller.actions.rights import Right, Scope
from controller.records import tenants as records
from controller.records.tables import Account, Vm
from controller.web.desk import Desk, text, whole
from controller.web.route import EVERYBODY, READERS, SECURITY, Route
from controller.web.status import status_of

_SHOWN = (BadInput, Conflict, Forbidden, NotFound)


def grants(desk: Desk) -> ResponseReturnValue:
    """List the grants."""
    return _grants(desk)


def give(desk: Desk) -> ResponseReturnValue:
    """Ask for a grant."""
    try:
        wish = desk.wish(
            "grant.add",
            grant_id=new_id(),
            account=text("account"),
            right_given=text("right"),
            path=text("path"),
        )
        return desk.ask(wish)
    except _SHOWN as error:
        return _grants(desk, error), status_of(error)


def take_back(desk: Desk, grant_id: str) -> ResponseReturnValue:
    """Ask for a grant to be taken back."""
    with desk.records() as session:
        held, account = records.grant(session, grant_id)
    fields = {"account": account, "right_given": held.right, "path": held.path}
    return desk.ask(desk.wish("grant.remove", grant_id=grant_id, **fields))


def keys(desk: Desk) -> ResponseReturnValue:
    """List the tokens that this reader may see."""
    return _keys(desk)


def make_key(desk: Desk) -> ResponseReturnValue:
    """Make a token for the reader and show its key: nobody can see it again."""
    try:
        scope = Scope(_right(text("right")), text("path"))
        wanted = tokens.Wanted(text("name"), scope, whole("days"))
        made = tokens.issue(desk.engine, desk.principal, wanted)
    except _SHOWN as error:
        return _keys(desk, error=error), status_of(error)
    return _keys(desk, made=made)


def revoke_key(desk: Desk, token_id: str) -> ResponseReturnValue:
    """Shut a token out, at once."""
    tokens.revoke(desk.engine, desk.principal, token_id)
    return redirect("/tokens", 303)


def _right(given: str) -> Right:
    if given not in tuple(Right):
        raise BadInput(what="right", why=f"{given[:20]!r}")
    return Right(given)


def _grants(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        people = select(Account.name).where(Account.role == "tenant", Account.disabled.is_(False))
        return desk.render(
            "grants.html",
            grants=records.grants(session),
            names={vm.id: vm.name for vm in session.scalars(select(Vm))},
            tenants=records.many(session),
            people=session.scalars(people.order_by(Account.name)).all(),
            vms=session.scalars(select(Vm).order_by(Vm.name)).all(),
            rights=tuple(Right),
            given=request.form,
            error=error,
        )


def _keys(desk: Desk, *, made: tokens.Issued | None = None, error: BoxError | None = None) -> str:
    with desk.records() as session:
        rows = tokens.many(session, desk.principal)
        names = {vm.id: vm.name for vm in session.scalars(select(Vm))}
    return desk.render(
        "tokens.html",
        rows=rows,
        names=names,
        made=made,
        error=error,
        given=request.form,
        rights=tuple(Right),
        now=clock.iso(),
    )


ROUTES = (
    Route("/grants", grants, READERS - {Role.SYSTEM}),
    Route("/grants", give, SECURITY, "POST"),
    Route("/grants/<grant_id>/remove", take_back, SECURITY, "POST"),
)
KEY_ROUTES = (
    Route("/tokens", keys, EVERYBODY),
    Route("/tokens", make_key, EVERYBODY, "POST"),
    Route("/tokens/<token_id>/revoke", revoke_key, EVERYBODY, "POST"),
)

"""Accounts: who may come in, in which role; one person holds one administrator's role."""

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from appliance.chance import new_id
from appliance.clock import iso
from appliance.errors import BadInput, BoxError, Conflict
from controller.access import factors
from controller.actions.accounts import (
    AddAccount,
    DisableAccount,
    ResetAccount,
    UnlockAccount,
    find,
)
from controller.actions.role_needed import ROLES as ROLE_WORDS
from controller.records.tables import Account
from controller.web.desk import Desk, text, ticked
from controller.web.route import SECURITY, Route
from controller.web.status import status_of

ROLES = SECURITY


def show(desk: Desk) -> ResponseReturnValue:
    """List the accounts, with the form for a new one."""
    return _page(desk)


def add(desk: Desk) -> ResponseReturnValue:
    """Ask for a new account; its one-time code is written by the worker into a file, never shown here."""
    try:
        return desk.ask(
            AddAccount(
                account_id=new_id(), name=text("name"), role=text("role"), vendor=text("vendor")
            )
        )
    except (BadInput, Conflict) as error:
        return _page(desk, error), status_of(error)


def before_disable(desk: Desk, name: str) -> ResponseReturnValue:
    """Say what disabling does, before it is asked for."""
    with desk.records() as session:
        return desk.render("account_disable.html", account=find(session, name))


def disable(desk: Desk, name: str) -> ResponseReturnValue:
    """Shut the account out."""
    return desk.ask(DisableAccount(name=name))


def unlock(desk: Desk, name: str) -> ResponseReturnValue:
    """End the lock that wrong log-ins brought about."""
    return desk.ask(UnlockAccount(name=name))


def before_reset(desk: Desk, name: str) -> ResponseReturnValue:
    """Say what a reset does, before it is asked for."""
    with desk.records() as session:
        return desk.render("account_reset.html", account=find(session, name))


def reset(desk: Desk, name: str) -> ResponseReturnValue:
    """Take a forgotten password away, with the second factor where that is lost too."""
    return desk.ask(ResetAccount(name=name, factor=ticked("factor")))


def _page(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        accounts = session.scalars(select(Account).order_by(Account.role, Account.name)).all()
    return desk.render(
        "accounts.html",
        accounts=accounts,
        now=iso(),
        roles=ROLE_WORDS,
        must=factors.ADMINISTRATORS if desk.settings.second_factor == "required" else (),
        given=request.form,
        error=error,
    )


ROUTES = (
    Route("/accounts", show, ROLES),
    Route("/accounts", add, ROLES, "POST"),
    Route("/accounts/<name>/disable", before_disable, ROLES),
    Route("/accounts/<name>/disable", disable, ROLES, "POST"),
    Route("/accounts/<name>/unlock", unlock, ROLES, "POST"),
    Route("/accounts/<name>/reset", before_reset, ROLES),
    Route("/accounts/<name>/reset", reset, ROLES, "POST"),
)

"""Waivers: what is accepted until when, and instead of what; one person asks, the audit administrator approves."""

from flask import request
from flask.typing import ResponseReturnValue

from appliance import clock
from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Conflict, NotFound
from controller.actions.papers import AskWaiver
from controller.records import answers
from controller.web.desk import Desk, text
from controller.web.route import READERS, Route
from controller.web.status import status_of

_SHOWN = (BadInput, Conflict, NotFound)
_FIELDS = ("item", "subject", "reason", "measure", "expires")


def show(desk: Desk) -> ResponseReturnValue:
    """List the waivers, with the form for a new one."""
    return _page(desk)


def ask(desk: Desk) -> ResponseReturnValue:
    """Ask for a waiver."""
    try:
        fields = {name: text(name).replace("\r\n", "\n") for name in _FIELDS}
        return desk.ask(desk.wish("compliance.waiver.ask", paper_id=new_id(), **fields))
    except _SHOWN as error:
        return _page(desk, error), status_of(error)


def _page(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        return desk.render(
            "waivers.html",
            waivers=answers.waivers(session, all_of_them=True),
            today=clock.now().date().isoformat(),
            given=request.form or request.args,
            error=error,
        )


ROUTES = (
    Route("/compliance/waivers", show, READERS),
    Route("/compliance/waivers", ask, AskWaiver.roles, "POST"),
)

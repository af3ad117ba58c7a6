"""Objects beside the box; how runs are judged (options, run before correction) and when they are made."""

import json

from flask import request
from flask.typing import ResponseReturnValue

from appliance.errors import BadInput, BoxError, Conflict, NotFound
from compliance.model import KIND_TEXT
from compliance.rulesets import EVERY
from controller.actions.assessing import SetChoice, SetObject, SetSchedule
from controller.records import answers, compliance
from controller.web.deeds import Deed
from controller.web.desk import Desk, text, whole
from controller.web.route import READERS, Route
from controller.web.status import status_of

_SHOWN = (BadInput, Conflict, NotFound)


def objects(desk: Desk) -> ResponseReturnValue:
    """List the foreign objects, with the form for one."""
    return _objects(desk)


def set_object(desk: Desk) -> ResponseReturnValue:
    """Ask for an object to be entered."""
    try:
        fields = {name: text(name) for name in ("of_kind", "name", "what", "maker", "place")}
        items = json.dumps(text("applies_to").replace(",", " ").split())
        return desk.ask(desk.wish("compliance.object.set", applies_to=items, **fields))
    except _SHOWN as error:
        return _objects(desk, error), status_of(error)


def options(desk: Desk) -> ResponseReturnValue:
    """Show every open point of the rule sets with what is chosen, and the schedule."""
    with desk.records() as session:
        return desk.render(
            "options.html",
            rulesets=EVERY,
            held=answers.choices(session),
            schedule=answers.schedule(session),
            runs=compliance.runs(session, 30),
            former=answers.FORMER,
        )


def _objects(desk: Desk, error: BoxError | None = None) -> str:
    with desk.records() as session:
        return desk.render(
            "objects.html",
            objects=answers.foreign(session),
            kinds=KIND_TEXT,
            given=request.form,
            error=error,
        )


ROUTES = (
    Route("/compliance/objects", objects, READERS),
    Route("/compliance/objects", set_object, SetObject.roles, "POST"),
    Deed(
        "/compliance/objects/<ref>/remove", "compliance.object.remove", roles=SetObject.roles
    ).route(__name__),
    Route("/compliance/options", options, READERS),
    Deed(
        "/compliance/options",
        "compliance.option.set",
        {"key": text, "value": text},
        roles=SetChoice.roles,
    ).route(__name__),
    Deed(
        "/compliance/schedule",
        "compliance.schedule.set",
        {"days": whole, "hour": whole},
        roles=SetSchedule.roles,
    ).route(__name__),
)

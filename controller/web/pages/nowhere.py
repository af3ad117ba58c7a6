"""The page for an address that nothing answers to."""

from flask import abort
from flask.typing import ResponseReturnValue

from appliance.errors import NotFound
from controller.web.desk import Desk
from controller.web.route import NOBODY_YET, Route


def show(_desk: Desk, rest: str) -> ResponseReturnValue:
    """Say that there is no such page; below `/api` the API says so in its own way."""
    if rest == "api" or rest.startswith("api/"):
        abort(404)
    raise NotFound(what="页面 page", name=f"/{rest[:120]}")


ROUTES = (Route("/<path:rest>", show, NOBODY_YET),)

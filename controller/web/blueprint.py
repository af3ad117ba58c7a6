"""The console as one Flask blueprint: routes from the menu, the frame of every page, its headers."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from appliance.chance import new_id
from appliance.errors import BoxError, NotFound, Unauthenticated
from appliance.settings import Settings
from controller.actions.role_needed import refusal
from controller.web import door
from controller.web.desk import NOBODY, Desk
from controller.web.marks import GLOBALS
from controller.web.menu import MENU, OUTSIDE
from controller.web.route import Route
from controller.web.status import status_of

STATIC = Path(__file__).parent / "static"
ENGLISH_COOKIE = "hbox-english"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def make(engine: Engine, settings: Settings) -> Blueprint:
    """Return the console on these records; it owns every address outside `/api`."""
    console = Blueprint("web", __name__, template_folder="templates")
    for route in OUTSIDE:
        _add(console, route, engine, settings, here="")
    for entry in MENU:
        for route in entry.routes:
            _add(console, route, engine, settings, here=entry.key)
    console.add_url_rule("/assets/<path:name>", "asset", _asset)
    console.context_processor(lambda: _frame(settings))
    console.register_error_handler(BoxError, _tell)
    console.register_error_handler(500, lambda _error: _tell(BoxError()))
    console.after_request(_guarded_response)
    return console


def _add(
    console: Blueprint, route: Route, engine: Engine, settings: Settings, *, here: str
) -> None:
    def answer(**parts: str) -> ResponseReturnValue:
        principal, csrf = door.whoever(engine, settings, request)
        if route.roles:
            if principal is None:
                raise Unauthenticated
            if principal.role not in route.roles:
                raise refusal(principal.role, request.path, route.roles)
        if route.method == "POST":
            extra = settings.module_limit if route.takes_file else 0
            door.bound(request, settings.body_limit + extra)
            door.own_form(request, principal, csrf)
        desk = Desk(engine, settings, principal or NOBODY, csrf, here)
        request.environ["hbox.desk"] = desk
        return route.show(desk, **parts)

    console.add_url_rule(
        route.rule, f"{route.endpoint}_{route.method.lower()}", answer, methods=[route.method]
    )


def _frame(settings: Settings) -> dict[str, object]:
    desk = request.environ.get("hbox.desk")
    role = desk.principal.role if isinstance(desk, Desk) else None
    csrf = desk.csrf if isinstance(desk, Desk) else ""
    return {
        **GLOBALS,
        "site_name": settings.site_name,
        "principal": desk.principal if isinstance(desk, Desk) else NOBODY,
        "here": desk.here if isinstance(desk, Desk) else "",
        "menu": [entry for entry in MENU if role in entry.roles],
        "english": request.cookies.get(ENGLISH_COOKIE, "1") != "0",
        "asset": _address,
        "csrf_field": _hidden("csrf", lambda: csrf),
        "once_field": _hidden("once", new_id),
    }


def _hidden(name: str, value: Callable[[], str]) -> Callable[[], Markup]:
    return lambda: Markup('<input type="hidden" name="{}" value="{}">').format(name, value())


def _tell(error: BoxError) -> ResponseReturnValue:
    """Show an error as a page: what happened, what to do, its stable code."""
    if isinstance(error, Unauthenticated):
        return door.to_login(request)
    return render_template("error.html", error=error), status_of(error)


def _asset(name: str) -> ResponseReturnValue:
    path = (STATIC / name).resolve()
    if not path.is_relative_to(STATIC) or not path.is_file():
        raise NotFound(what="文件 file", name=name)
    response = make_response(path.read_bytes())
    response.mimetype = _TYPES.get(path.suffix, "text/plain")
    # The address carries the content's digest, so a browser may keep it for good.
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def _address(name: str) -> str:
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/assets/{name}?v={mark}"


def _guarded_response(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    # A machine's console alone speaks to another port of this very host.
    line = request.environ.get("hbox.connect")
    if line is not None:
        response.headers["Content-Security-Policy"] = POLICY.replace(
            "connect-src 'self'", f"connect-src 'self' {line}"
        )
    response.headers.setdefault("Cache-Control", "no-store")
    return response

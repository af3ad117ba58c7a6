"""The API as one Flask blueprint: each route of the table behind the same admission and checks."""

import re
import sys
import traceback
from collections.abc import Callable

from flask import Blueprint, Flask, Response, jsonify, request
from sqlalchemy import Engine
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from appliance import clock
from appliance.errors import BoxError
from appliance.settings import Settings
from controller.api import body, entry, parts
from controller.api.call import Answer, Call
from controller.api.errors import NoAddress, NoMethod, problem, status_of
from controller.api.meter import KEY, Meter, meter
from controller.api.openapi import describe
from controller.api.route import Form, Route
from controller.api.routes import ROUTES

PREFIX = "/api"
METRICS = "/metrics"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_PART = re.compile(r"<\w+>")


def make(engine: Engine, settings: Settings) -> Blueprint:
    """Return the API on these records."""
    api = Blueprint("api", __name__)
    api.record_once(lambda state: state.app.extensions.update({KEY: Meter()}))
    for route in ROUTES:
        form = route.form
        view = _view(route, engine, settings)
        api.add_url_rule(
            form.address,
            form.name,
            view,
            methods=[form.method],
            provide_automatic_options=False,
        )
    _refuse_other_methods(api)
    api.add_url_rule("/api/openapi.json", "openapi", lambda: jsonify(describe(ROUTES)))
    api.register_error_handler(Exception, told)
    return api


def catch_all(app: Flask) -> None:
    """Answer in the API's way also where it has no address; other paths are the console's."""

    def missing(error: HTTPException) -> AnyResponse:
        if not request.path.startswith((PREFIX, METRICS)):
            return error.get_response()
        return told(error)

    app.register_error_handler(HTTPException, missing)


def told(error: Exception) -> Response:
    """Return the answer for any error; one that nobody foresaw is told without its inside."""
    if isinstance(error, BoxError):
        return problem(error)
    if isinstance(error, MethodNotAllowed):
        answer = problem(NoMethod(what="method", why="", method=request.method))
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return answer
    if isinstance(error, HTTPException) and error.code == 404:
        return problem(NoAddress(path=request.path[:200], what="", name=""))
    traceback.print_exception(error, file=sys.stderr)
    return problem(BoxError())


def _view(route: Route, engine: Engine, settings: Settings) -> Callable[..., Response]:
    name = route.form.name

    def view(**given: str) -> Response:
        began, status = clock.monotonic(), 500
        try:
            answer = _respond(_run(route, engine, settings, given))
            status = answer.status_code
        except BoxError as error:
            status = status_of(error)
            raise
        finally:
            meter().note(name, status, clock.monotonic() - began)
        return answer

    return view


def _run(route: Route, engine: Engine, settings: Settings, given: dict[str, str]) -> Answer:
    call = _call(route.form, engine, settings)
    parts.check(given)
    return route(call, **given)


def _refuse_other_methods(api: Blueprint) -> None:
    """Say 405 and what is allowed, where else the console's page for all other addresses would answer."""
    allowed: dict[str, list[str]] = {}
    for route in ROUTES:
        allowed.setdefault(_PART.sub("<part>", route.form.address), []).append(route.form.method)
    for address, methods in allowed.items():
        others = [method for method in _METHODS if method not in methods]
        numbered = _numbered(address)
        view = _other(sorted(methods))
        api.add_url_rule(numbered, f"other {address}", view, methods=others)


def _other(methods: list[str]) -> Callable[..., Response]:
    def view(**_given: str) -> Response:
        raise MethodNotAllowed(methods)

    return view


def _numbered(address: str) -> str:
    """Give each `<part>` a name of its own."""
    count = iter(range(99))
    return _PART.sub(lambda _found: f"<part{next(count)}>", address)


def _call(form: Form, engine: Engine, settings: Settings) -> Call:
    if request.method != form.method:
        # Flask adds HEAD to every GET, and would drop what a stream holds without closing it.
        raise MethodNotAllowed([form.method])
    who = entry.admit(engine, settings, request, form)
    data = body.raw(request, form, settings.body_limit)
    return Call(
        engine=engine,
        settings=settings,
        asker=who.asker,
        source=who.source,
        body=body.parsed(data, form),
        query=body.query(request, form),
        idempotency=body.idempotency(request, data),
        if_match=body.if_match(request),
        cookie=who.cookie,
    )


def _respond(answer: Answer) -> Response:
    if isinstance(answer.content, Response):
        response = answer.content
    else:
        text = answer.content.model_dump_json() if answer.content is not None else "{}"
        response = Response(text, mimetype="application/json")
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response.headers.setdefault("Cache-Control", "no-store")
    return response

"""The console's door: who comes with this request, is the form our own, and the way to the login."""

from urllib.parse import quote, urlsplit

from flask import Request, make_response, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from appliance.errors import TooLarge, Unauthenticated
from appliance.settings import Settings
from controller.access import sessions
from controller.actions.principal import Principal


def whoever(engine: Engine, settings: Settings, request: Request) -> tuple[Principal | None, str]:
    """Return who comes and the session's CSRF token, or nobody and an empty token.

    A part of a page that renews itself (htmx) does not keep an idle session alive.
    """
    cookie = request.cookies.get(sessions.COOKIE, "")
    by_itself = "HX-Request" in request.headers
    try:
        visit = sessions.whose(
            engine, settings, cookie, source=source(request), touch=not by_itself
        )
    except Unauthenticated:
        return None, ""
    return visit.principal, visit.csrf


def source(request: Request) -> str:
    """Return the address that the request came from."""
    return request.remote_addr or ""


def own_form(request: Request, principal: Principal | None, csrf: str) -> None:
    """Raise `BadCsrf` unless the form came from our own page: by token, before login by origin."""
    if principal is not None:
        visit = sessions.Visit(principal, csrf)
        sessions.check_csrf(visit, request.form.get("csrf", ""))
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise sessions.BadCsrf(role="–", what="")


def bound(request: Request, limit: int) -> None:
    """Raise `TooLarge` when the form is over `limit` bytes, before any of it is kept.

    A form's files go to a temporary folder while it is read, and anybody can post one to the login.
    """
    request.max_content_length = limit  # for a form that does not say its length
    if (request.content_length or 0) > limit:
        raise TooLarge(what="表单 the form", limit=limit)


def enter(response: Response, cookie: str) -> Response:
    """Hand the session's cookie to the browser."""
    response.set_cookie(
        sessions.COOKIE, cookie, path="/", secure=True, httponly=True, samesite="Strict"
    )
    return response


def leave(response: Response) -> Response:
    """Take the session's cookie away."""
    response.delete_cookie(sessions.COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    return response


def to_login(request: Request) -> ResponseReturnValue:
    """Send the reader to the login and, after it, back to the page they wanted."""
    if "HX-Request" in request.headers:
        response = make_response("", 200)
        response.headers["HX-Redirect"] = "/login"
        return response
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    way = "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}"
    return redirect(way, 303)


def inside(address: str) -> str:
    """Return `address` if it is a path of this console, else "/": nobody is sent elsewhere."""
    parts = urlsplit(address)
    sound = not parts.scheme and not parts.netloc and address.startswith("/")
    return address if sound and not address.startswith(("//", "/\\")) else "/"

"""Logging in, the first login with its code, changing one's password, logging out, and hiding the English."""

from dataclasses import replace

from flask import redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from appliance.errors import BadInput, BoxError
from controller.access import sessions
from controller.access.logins import (
    Attempt,
    Entered,
    FactorNeeded,
    LoginFailed,
    PasswordExpired,
    PasswordNeeded,
    log_in,
)
from controller.access.passwords import WeakPassword
from controller.web import door
from controller.web.desk import Desk, text
from controller.web.pages import factor
from controller.web.route import EVERYBODY, NOBODY_YET, Route
from controller.web.status import status_of

_YEAR = 31_536_000


def show(desk: Desk) -> ResponseReturnValue:
    """Show the login form, or go home when somebody is logged in already."""
    if desk.principal.name:
        return redirect("/", 303)
    return desk.render("login.html", name="", back=_back())


def enter(desk: Desk) -> ResponseReturnValue:
    """Log in; with a fresh account's code ask for a password of one's own, and for what else is missing."""
    attempt = attempted()
    try:
        return _welcome(log_in(desk.engine, desk.settings, attempt))
    except PasswordNeeded:
        return _first(desk, attempt.password)
    except PasswordExpired as error:
        return _change(desk, attempt.name, error)
    except FactorNeeded:
        return factor.offered(desk, attempt)
    except LoginFailed as error:
        page = desk.render("login.html", name=attempt.name, back=_back(), error=error)
        return page, status_of(error)


def first(desk: Desk) -> ResponseReturnValue:
    """Set the first password, with the one-time code once more as proof."""
    code, wanted = request.form.get("password", ""), request.form.get("new_password", "")
    if wanted != request.form.get("again"):
        error = BadInput(what="口令 password", why="两次输入不同 the two entries differ")
        return _first(desk, code, error), status_of(error)
    attempt = replace(attempted(), new_password=wanted)
    try:
        return _welcome(log_in(desk.engine, desk.settings, attempt))
    except WeakPassword as weak:
        return _first(desk, code, weak), status_of(weak)
    except FactorNeeded:
        return factor.offered(desk, replace(attempt, password=wanted, new_password=""))
    except LoginFailed as failed:
        page = desk.render("login.html", name=attempt.name, back=_back(), error=failed)
        return page, status_of(failed)


def before_change(desk: Desk) -> ResponseReturnValue:
    """Show the form that changes one's own password."""
    return _change(desk, request.args.get("name", desk.principal.name)[:64])


def change(desk: Desk) -> ResponseReturnValue:
    """Change one's own password: the present one is asked for, and the second factor."""
    attempt = attempted()
    wanted = request.form.get("new_password", "")
    if not wanted or wanted != request.form.get("again"):
        error = BadInput(what="口令 password", why="两次输入不同 the two entries differ")
        return _change(desk, attempt.name, error), status_of(error)
    attempt = replace(attempt, new_password=wanted)
    try:
        return _welcome(log_in(desk.engine, desk.settings, attempt))
    except FactorNeeded:
        return factor.offered(desk, replace(attempt, password=wanted, new_password=""))
    except (WeakPassword, LoginFailed) as refused:
        return _change(desk, attempt.name, refused), status_of(refused)


def leave(desk: Desk) -> ResponseReturnValue:
    """End the session."""
    cookie = request.cookies.get(sessions.COOKIE, "")
    sessions.leave(desk.engine, cookie, source=door.source(request))
    return door.leave(redirect("/login", 303))


def language(_desk: Desk) -> ResponseReturnValue:
    """Show or hide the English, for this browser."""
    response = redirect(door.inside(request.form.get("back", "/").rstrip("?")), 303)
    chosen = "0" if request.form.get("english") == "0" else "1"
    response.set_cookie(
        "hbox-english",
        chosen,
        path="/",
        secure=True,
        httponly=True,
        samesite="Strict",
        max_age=_YEAR,
    )
    return response


def _first(desk: Desk, code: str, error: BoxError | None = None) -> str:
    shown = {"name": text("name"), "code": code, "rule": WeakPassword.hint, "error": error}
    return desk.render("first.html", back=_back(), **shown)


def _change(desk: Desk, name: str, error: BoxError | None = None) -> str:
    rule = WeakPassword.hint
    return desk.render("password.html", name=name, rule=rule, error=error, back=_back())


def attempted() -> Attempt:
    """Return what was typed into a log-in form."""
    return Attempt(
        text("name"),
        request.form.get("password", ""),
        "",
        door.source(request),
        request.form.get("one_time_code", ""),
    )


def _welcome(entered: Entered) -> Response:
    return door.enter(redirect(_back(), 303), entered.cookie)


def _back() -> str:
    return door.inside(request.values.get("next", "/"))


ROUTES = (
    Route("/login", show, NOBODY_YET),
    Route("/login", enter, NOBODY_YET, "POST"),
    Route("/login/first", first, NOBODY_YET, "POST"),
    Route("/login/password", before_change, NOBODY_YET),
    Route("/login/password", change, NOBODY_YET, "POST"),
    Route("/logout", leave, EVERYBODY, "POST"),
    Route("/language", language, NOBODY_YET, "POST"),
)

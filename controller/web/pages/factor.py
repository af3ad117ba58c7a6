"""Binding a second factor: the secret as text and as a QR code, its first code, the recovery codes once."""

from flask import make_response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from appliance.errors import BoxError
from controller.access import enrolment, factors
from controller.access.logins import Attempt, LoginFailed, PasswordExpired, PasswordNeeded
from controller.web import door
from controller.web.desk import Desk, text
from controller.web.route import NOBODY_YET, Route
from controller.web.status import status_of


def ask(desk: Desk) -> ResponseReturnValue:
    """Show the form that asks who wants to bind a factor, or another one in its place."""
    return _asked(desk, request.args.get("name", desk.principal.name)[:64])


def begin(desk: Desk) -> ResponseReturnValue:
    """Offer a fresh secret to whoever proves who they are."""
    attempt = Attempt(
        text("name"),
        request.form.get("password", ""),
        "",
        door.source(request),
        request.form.get("one_time_code", ""),
    )
    return offered(desk, attempt)


def offered(desk: Desk, attempt: Attempt) -> ResponseReturnValue:
    """Show the secret on offer for somebody who has just proved their password."""
    try:
        made = enrolment.offer(desk.engine, desk.settings, attempt)
    except (LoginFailed, PasswordNeeded, PasswordExpired) as error:
        return _asked(desk, attempt.name, error), status_of(error)
    return _shown(desk, made)


def bind(desk: Desk) -> ResponseReturnValue:
    """Bind the factor if the code is right; log in and show the recovery codes, this once."""
    ticket, typed = text("ticket"), text("one_time_code")
    try:
        entered = enrolment.accept(desk.engine, desk.settings, ticket, typed, door.source(request))
    except enrolment.WrongFirstCode as error:
        return _shown(desk, enrolment.again(desk.settings, ticket), error), status_of(error)
    except (enrolment.OfferOver, LoginFailed) as error:
        return _asked(desk, "", error), status_of(error)
    codes = [code.reveal() for code in entered.recovery_codes]
    page = desk.render("factor_codes.html", codes=codes, who=entered.principal.name, back=_back())
    return door.enter(make_response(page), entered.cookie)


def _asked(desk: Desk, name: str, error: BoxError | None = None) -> str:
    return desk.render("factor_ask.html", name=name, error=error, back=_back())


def _shown(desk: Desk, made: enrolment.Offer, error: BoxError | None = None) -> str:
    letters = made.secret.reveal()
    return desk.render(
        "factor.html",
        name=made.name,
        secret=" ".join(letters[i : i + 4] for i in range(0, len(letters), 4)),
        drawing=Markup(factors.drawing(made.uri.reveal())),  # noqa: S704 - drawn by us, no text in it
        ticket=made.ticket.reveal(),
        error=error,
        back=_back(),
    )


def _back() -> str:
    return door.inside(request.values.get("next", "/"))


ROUTES = (
    Route("/login/factor", ask, NOBODY_YET),
    Route("/login/factor", begin, NOBODY_YET, "POST"),
    Route("/login/factor/bind", bind, NOBODY_YET, "POST"),
)

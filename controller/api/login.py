"""Logging in and out from a browser or a script; who am I."""

from flask import Response

from appliance.errors import Text
from appliance.secret import Secret
from controller.access import enrolment, sessions
from controller.access.logins import Attempt, Entered, log_in
from controller.actions.principal import Principal
from controller.api.call import Answer, Call
from controller.api.route import EVERYONE, Form, route
from controller.api.schemas.base import Nothing
from controller.api.schemas.box import FactorIn, FactorOut, FactorProof, LoginIn, SessionOut
from controller.api.schemas.tenants import ScopeOut


@route(
    Form(
        "POST",
        "/api/v1/login",
        Text("登录", "Log in"),
        None,
        answer=SessionOut,
        body=LoginIn,
    )
)
def login(call: Call) -> Answer:
    """Begin a session: the cookie comes with the answer."""
    asked = call.json(LoginIn)
    attempt = Attempt(
        asked.name, asked.password, asked.new_password, call.source, asked.one_time_code
    )
    entered = log_in(call.engine, call.settings, attempt)
    return _welcome(entered)


@route(
    Form(
        "POST",
        "/api/v1/login/factor",
        Text("申请绑定动态口令", "Ask for a second factor"),
        None,
        answer=FactorOut,
        body=FactorIn,
    )
)
def offer_factor(call: Call) -> Answer:
    """Offer a fresh secret to whoever proves who they are; nothing changes before it is bound."""
    asked = call.json(FactorIn)
    attempt = Attempt(asked.name, asked.password, "", call.source, asked.one_time_code)
    made = enrolment.offer(call.engine, call.settings, attempt)
    return Answer(
        FactorOut(
            name=made.name,
            secret=made.secret.reveal(),
            uri=made.uri.reveal(),
            ticket=made.ticket.reveal(),
        )
    )


@route(
    Form(
        "POST",
        "/api/v1/login/factor/bind",
        Text("绑定动态口令并登录", "Bind the second factor and log in"),
        None,
        answer=SessionOut,
        body=FactorProof,
    )
)
def bind_factor(call: Call) -> Answer:
    """Bind what was offered, and begin a session; the recovery codes come with the answer, this once."""
    asked = call.json(FactorProof)
    given = (asked.ticket, asked.one_time_code, call.source)
    return _welcome(enrolment.accept(call.engine, call.settings, *given))


@route(Form("POST", "/api/v1/logout", Text("退出登录", "Log out"), EVERYONE, answer=Nothing))
def logout(call: Call) -> Answer:
    """End the session."""
    sessions.leave(call.engine, call.cookie, source=call.source)
    gone = Response()
    gone.delete_cookie(sessions.COOKIE, **sessions.cookie_attributes())
    return Answer(Nothing(), headers={"Set-Cookie": gone.headers["Set-Cookie"]})


@route(
    Form(
        "GET",
        "/api/v1/session",
        Text("查看当前登录者", "Who is logged in"),
        EVERYONE,
        answer=SessionOut,
    )
)
def session(call: Call) -> Answer:
    """Answer with who asks, and the session's CSRF token where there is a session."""
    csrf = ""
    if call.cookie:
        visit = sessions.whose(call.engine, call.settings, call.cookie, source=call.source)
        csrf = visit.csrf
    return Answer(_session(call.principal, csrf))


def _welcome(entered: Entered) -> Answer:
    shown = _session(entered.principal, entered.csrf, entered.recovery_codes)
    return Answer(shown, headers=_cookie(entered))


def _cookie(entered: Entered) -> dict[str, str]:
    made = Response()
    made.set_cookie(sessions.COOKIE, entered.cookie, **sessions.cookie_attributes())
    return {"Set-Cookie": made.headers["Set-Cookie"]}


def _session(who: Principal, csrf: str, codes: tuple[Secret, ...] = ()) -> SessionOut:
    limits = [[ScopeOut(right=s.right.value, path=s.path) for s in layer] for layer in who.bounds]
    return SessionOut(
        name=who.name,
        role=who.role.value,
        vendor=who.vendor,
        via=who.via,
        csrf=csrf,
        token=who.token,
        limits=limits,
        recovery_codes=[code.reveal() for code in codes],
    )

"""Who is asking, for each request: a program by its token, a local peer by its uid, a session by its cookie."""

from dataclasses import dataclass

from flask import Request, current_app
from sqlalchemy import Engine

from appliance.errors import Unauthenticated
from appliance.settings import Settings
from controller.access import peers, sessions, tokens
from controller.access.throttle import Throttle
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.actions.rights import Right
from controller.actions.role_needed import refusal
from controller.api.route import Form
from controller.records import audit
from controller.records.session import transaction

PEER = "hbox.peer"
"""Key in the WSGI environment under which the server puts the peer's uid; no header can set it."""

_SAFE = ("GET", "HEAD", "OPTIONS")
_HERE = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
_BEARER = "bearer "


@dataclass(frozen=True)
class Entry:
    """Who came in; `cookie` only if it was by a session."""

    asker: Principal | None
    source: str
    cookie: str = ""


def admit(engine: Engine, settings: Settings, asked: Request, form: Form) -> Entry:
    """Return who asks; raise `Unauthenticated`, `BadToken`, `BadCsrf` or (audited) `Forbidden`."""
    if form.roles is None:
        return Entry(None, _source(asked))
    entry = _entry(engine, settings, asked)
    if entry.asker is None and form.local and asked.remote_addr in _HERE:
        return entry
    if entry.asker is None:
        raise Unauthenticated
    if not open_to(form, entry.asker):
        _note_denied(engine, entry.asker, asked)
        raise refusal(entry.asker.role, form.sentence.zh, form.roles)
    return entry


def open_to(form: Form, asker: Principal) -> bool:
    """Whether this asker may come to this route at all; what it may touch there is asked later.

    Whoever is limited comes to routes that narrow what they show (those open to tenants), and to
    others only with the right on the whole box.
    """
    if form.roles is None:
        return True
    if asker.role not in form.roles:
        return False
    narrows = Role.TENANT in form.roles
    return narrows or asker.everywhere(Right.VIEW if form.method in _SAFE else Right.MANAGE)


def _entry(engine: Engine, settings: Settings, asked: Request) -> Entry:
    source, uid = _source(asked), asked.environ.get(PEER)
    given = asked.headers.get("Authorization", "")
    if given.lower().startswith(_BEARER):
        return Entry(_by_token(engine, given[len(_BEARER) :].strip(), source), source)
    if uid is not None:
        return Entry(peers.peer(engine, int(uid)), source)
    cookie = asked.cookies.get(sessions.COOKIE, "")
    if not cookie:
        return Entry(None, source)
    touch = "X-HBox-Background" not in asked.headers
    visit = sessions.whose(engine, settings, cookie, source=source, touch=touch)
    if asked.method not in _SAFE:
        sessions.check_csrf(visit, asked.headers.get("X-CSRF-Token", ""))
    return Entry(visit.principal, source, cookie)


def _by_token(engine: Engine, key: str, source: str) -> Principal:
    throttle = current_app.extensions.setdefault("hbox.throttle", Throttle())
    try:
        return tokens.enter(engine, key, source)
    except tokens.BadToken:
        # Only wrong keys are slowed down: others behind the same address go on with their right ones.
        throttle.pass_by(source)
        if throttle.wrong(source):
            _note_wrong(engine, source)
        raise


def _source(asked: Request) -> str:
    uid = asked.environ.get(PEER)
    return f"socket uid {uid}" if uid is not None else (asked.remote_addr or "?")


def _note_wrong(engine: Engine, source: str) -> None:
    with transaction(engine) as session:
        act = audit.entry(
            "unknown", "none", "auth.token", on="token/?", outcome="refused", detail=source
        )
        audit.append(session, act)


def _note_denied(engine: Engine, asker: Principal, asked: Request) -> None:
    with transaction(engine) as session:
        act = audit.entry(
            asker.actor,
            asker.role,
            "access.denied",
            on=asked.path[:128],
            outcome="refused",
            detail=f"{asked.method} via {asker.via}",
        )
        audit.append(session, act)

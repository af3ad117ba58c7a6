"""Who is asking, for each request: a local peer by its uid, or a session by its cookie."""

from dataclasses import dataclass

from flask import Request
from sqlalchemy import Engine

from appliance.errors import Forbidden, Unauthenticated
from appliance.settings import Settings
from controller.access import peers, sessions
from controller.actions.principal import Principal
from controller.api.route import Form
from controller.records import audit
from controller.records.session import transaction

PEER = "hbox.peer"
"""Key in the WSGI environment under which the server puts the peer's uid; no header can set it."""

_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Entry:
    """Who came in; `cookie` only if it was by a session."""

    asker: Principal | None
    source: str
    cookie: str = ""


def admit(engine: Engine, settings: Settings, asked: Request, form: Form) -> Entry:
    """Return who asks; raise `Unauthenticated`, `BadCsrf` or (audited) `Forbidden`."""
    if form.roles is None:
        return Entry(None, _source(asked))
    entry = _entry(engine, settings, asked)
    if entry.asker is None:
        raise Unauthenticated
    if entry.asker.role not in form.roles:
        _note_denied(engine, entry.asker, asked)
        raise Forbidden(role=entry.asker.role, what=form.sentence.zh)
    return entry


def _entry(engine: Engine, settings: Settings, asked: Request) -> Entry:
    source = _source(asked)
    uid = asked.environ.get(PEER)
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


def _source(asked: Request) -> str:
    return "socket" if PEER in asked.environ else (asked.remote_addr or "?")


def _note_denied(engine: Engine, asker: Principal, asked: Request) -> None:
    with transaction(engine) as session:
        act = audit.entry(
            asker.name,
            asker.role,
            "access.denied",
            on=asked.path[:128],
            outcome="refused",
            detail=f"{asked.method} via {asker.via}",
        )
        audit.append(session, act)

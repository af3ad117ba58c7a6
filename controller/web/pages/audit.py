"""The audit trail: every act in order, and whether the chain of entries still holds."""

import json
from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import ChainBroken, verify
from appliance.settings import Settings
from controller.actions.base import Role
from controller.records import audit
from controller.records.tables import AuditEntry
from controller.web.desk import Desk
from controller.web.paging import number_before
from controller.web.route import Route

ROLES = frozenset({Role.AUDIT, Role.AUDITOR})
PAGE = 50


@dataclass(frozen=True)
class ChainView:
    """What became of checking the chain: `error` is None when every entry follows from the last.

    `sealed` is the number of the last entry that the worker sealed outside the database, `holds`
    whether that seal names the entry that stands there now.
    """

    length: int
    error: ChainBroken | None
    sealed: int
    sealed_at: str
    holds: bool


def show(desk: Desk) -> ResponseReturnValue:
    """List the entries, newest first."""
    actor, act = request.args.get("actor", "").strip(), request.args.get("act", "").strip()
    query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(PAGE + 1)
    if actor:
        query = query.where(AuditEntry.actor == actor)
    if act:
        query = query.where(AuditEntry.act.startswith(act, autoescape=True))
    before = number_before()
    if before is not None:
        query = query.where(AuditEntry.number < before)
    with desk.records() as session:
        found = session.scalars(query).all()
        length = audit.length(session)
        actors = session.scalars(select(AuditEntry.actor).distinct()).all()
    return desk.render(
        "audit.html",
        entries=found[:PAGE],
        older=found[PAGE - 1].number if len(found) > PAGE else None,
        length=length,
        actors=sorted(actors),
        actor=actor,
        act=act,
    )


def chain(desk: Desk) -> ResponseReturnValue:
    """Check every entry of the chain against the one before it, and the last seal."""
    with desk.records() as session:
        return desk.render("audit_chain.html", chain=_checked(session, desk.settings))


def _checked(session: Session, settings: Settings) -> ChainView:
    error: ChainBroken | None = None
    try:
        verify(audit.entries(session))
    except ChainBroken as broken:
        error = broken
    number, head, at = _last_seal(settings)
    there = session.get(AuditEntry, number)
    holds = there is not None and there.hash == head
    return ChainView(audit.length(session), error, number, at, holds)


def _last_seal(settings: Settings) -> tuple[int, str, str]:
    path = settings.state / "audit" / "seals.jsonl"
    if not path.exists():
        return 0, "", ""
    lines = path.read_text("utf-8").splitlines()
    last = json.loads(lines[-1]) if lines else {}
    return int(last.get("number", 0)), str(last.get("head", "")), str(last.get("at", ""))


ROUTES = (Route("/audit", show, ROLES), Route("/audit/chain", chain, ROLES))

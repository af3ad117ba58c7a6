"""Alerts: what the rules find is opened once, kept up to date, closed when it is over; syslog hears of it."""

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.syslog import Syslog
from controller.records import alerts as words
from controller.records.exchange import Alert, GatewayMinute
from controller.records.session import reading
from controller.workers import guards
from controller.workers.alert_rules import RULES, Finding, Limits, View
from controller.workers.journal_heads import last_sealed
from controller.workers.site import Site

_MINUTE = 16
_KEPT = dt.timedelta(days=90)  # minutes that are kept for the plots


def watch(site: Site, syslog: Syslog, limits: Limits | None = None) -> int:
    """Hold every rule against what is there now; return how many alerts are open."""
    with reading(site.engine) as session:
        found = findings(view_of(site, session, limits or Limits()))
    told: list[tuple[str, Alert]] = []
    site.change(lambda session: told.extend(settle(session, found)))
    for change, alert in told:
        say(syslog, change, alert)
    return len(found)


def view_of(site: Site, session: Session, limits: Limits) -> View:
    """Return what the rules look at."""
    state = site.settings.state
    where = next((p for p in (state / "gateway" / "journal", state) if p.is_dir()), Path("/"))
    held = os.statvfs(where)
    return View(
        session,
        clock.now(),
        (held.f_bavail * held.f_frsize, held.f_blocks * held.f_frsize),
        last_sealed(state),
        tuple(sorted([*(state / "tls").glob("*.crt"), *site.settings.keys.glob("*.crt")])),
        limits,
        guards.read(clock.now()),
    )


def findings(view: View) -> list[Finding]:
    """Return what all rules find."""
    return [found for rule in RULES for found in rule(view)]


def settle(session: Session, found: Iterable[Finding]) -> list[tuple[str, Alert]]:
    """Open, renew and close alerts so that the open ones are `found`; return the changes to be told."""
    now = clock.iso()
    held = {
        (row.rule, row.subject): row
        for row in session.scalars(select(Alert).where(Alert.closed_at.is_(None)))
    }
    told: list[tuple[str, Alert]] = []
    for one in found:
        row = held.pop((one.rule, one.subject[:128]), None)
        if row is not None and row.acknowledged_by and one.evidence > row.evidence:
            row.closed_at = now  # it happened again after somebody had seen to it
            row = None
        if row is None:
            row = _opened(one, now)
            session.add(row)
            told.append(("opened", row))
        row.tone, row.facts, row.seen_at = one.tone, dict(one.figures), now
        row.evidence = max(row.evidence, one.evidence)
    for row in held.values():
        row.closed_at = now
        told.append(("closed", row))
    session.flush()
    return told


def _opened(one: Finding, now: str) -> Alert:
    return Alert(
        id=chance.new_id(), rule=one.rule, subject=one.subject[:128], tone=one.tone,
        facts=dict(one.figures), evidence=one.evidence, opened_at=now, seen_at=now,
    )  # fmt: skip


def say(syslog: Syslog, change: str, alert: Alert) -> None:
    """Tell syslog of an alert's change; figures only, never what a message held."""
    weight = {"bad": "error", "warn": "warning"}.get(alert.tone, "info")
    line = f"gateway alert {change} rule={alert.rule} subject={alert.subject or '-'}: {words.what(alert).en}"
    syslog.send(line, "info" if change != "opened" else weight)  # type: ignore[arg-type]  # one of the three


def look(site: Site) -> None:
    """Note for this minute whether the gateway runs; a minute that nobody noted is a gap in the plots."""
    argv = ["systemctl", "is-active", "--quiet", "hbox-gateway.service"]
    alive = site.home.host.run(argv, check=False, timeout=10.0).code == 0
    site.change(lambda session: note_minute(session, clock.now(), alive=alive))


def note_minute(session: Session, now: dt.datetime, *, alive: bool) -> None:
    """Record one look; in a minute with several, one that found the gateway running counts."""
    minute = clock.iso(now)[:_MINUTE]
    row = session.get(GatewayMinute, minute)
    if row is None:
        session.add(GatewayMinute(minute=minute, alive=alive, starts=0))
        old = clock.iso(now - _KEPT)[:_MINUTE]
        session.query(GatewayMinute).where(GatewayMinute.minute < old).delete()
    else:
        row.alive = row.alive or alive


def acknowledge(session: Session, alert_id: str, who: str) -> None:
    """Note that a person has taken it on; the first one to do so stands."""
    alert = words.get(session, alert_id)
    if alert.acknowledged_by is None:
        alert.acknowledged_by, alert.acknowledged_at = who, clock.iso()

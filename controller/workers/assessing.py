"""Objects beside the box, choices and schedule in the records; and the runs that the schedule asks for."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text
from appliance.signing import SigningKey
from controller.actions.assessing import RemoveObject, SetChoice, SetObject, SetSchedule
from controller.actions.compliance import RunCompliance
from controller.actions.standing import principal_of
from controller.jobs.log import tell
from controller.jobs.queue import submit
from controller.jobs.states import State, over
from controller.jobs.steps import Say, Step
from controller.records import answers
from controller.records.answers import SCHEDULE, Schedule
from controller.records.assessment import ComplianceChoice, ForeignObject
from controller.records.session import reading, transaction
from controller.records.tables import Account, Job
from controller.workers.asker import asker
from controller.workers.papers import genuine, sealed
from controller.workers.site import Site

EVERY = 300.0  # seconds between two looks at the schedule
AGAIN = dt.timedelta(hours=1)  # between a run that came to nothing and the next attempt
_VIA = "schedule"


def set_object(action: SetObject, site: Site) -> Sequence[Step]:
    """Write the object; it is assessed from the next run on."""

    def do(say: Say) -> None:
        person, made = asker(site), clock.iso()

        def work(session: Session) -> None:
            action.check(session)
            held = session.get(ForeignObject, action.ref)
            session.merge(
                ForeignObject(
                    ref=action.ref,
                    kind=action.of_kind,
                    name=action.name,
                    what=action.what,
                    maker=action.maker,
                    place=action.place,
                    applies_to=action.items,
                    made_by=held.made_by if held else person,
                    created_at=held.created_at if held else made,
                )
            )

        site.change(work)
        say(f"{action.ref}: {action.what}")

    return [Step("object", Text("写入外部对象", "Write the foreign object"), do)]


def remove_object(action: RemoveObject, site: Site) -> Sequence[Step]:
    """Remove the object; what was stated of it stays in the records."""

    def do(say: Say) -> None:
        def work(session: Session) -> None:
            held = session.get(ForeignObject, action.ref)
            if held is not None:
                action.check(session)
                session.delete(held)

        site.change(work)
        say(f"{action.ref} 已移除 removed")

    return [Step("object", Text("移除外部对象", "Remove the foreign object"), do)]


def set_choice(action: SetChoice, site: Site) -> Sequence[Step]:
    """Write the choice; the next run is judged by it, and its report names it."""
    return [_choosing(site, action.key, action.value)]


def set_schedule(action: SetSchedule, site: Site) -> Sequence[Step]:
    """Write the schedule."""
    return [_choosing(site, SCHEDULE, f"{action.days} {action.hour}" if action.days else "")]


def genuine_choices(session: Session, site: Site) -> dict[str, ComplianceChoice]:
    """Return the choices that the worker itself wrote."""
    return {
        key: row
        for key, row in answers.choices(session).items()
        if genuine(site.settings, row.seal, _content(row))
    }


def tend(site: Site) -> None:
    """Ask for a run when the schedule says so; on behalf of the person who set it, as long as it has the role.

    A run that failed, was refused or cancelled is no run: it is said, and asked for again.
    """
    with reading(site.engine) as session:
        row = genuine_choices(session, site).get(SCHEDULE)
        wanted = answers.schedule(session) if row is not None else Schedule()
        made, tried = _run(session, State.SUCCEEDED), _run(session)
        now, day = clock.now(), clock.read_iso(made.created_at) if made else None
        if not due(wanted, day, now) or not may_try(tried, now):
            return
        lost = f"run {tried.number} {tried.state}; " if tried and tried is not made else ""
    with transaction(site.engine) as session:
        account = session.scalar(select(Account).where(Account.name == wanted.by))
        if account is None or account.disabled:
            tell(
                f"scheduled inspection: {wanted.by} has no account any more; set the schedule anew"
            )
            return
        job = submit(session, principal_of(session, account, _VIA), RunCompliance())
        if lost:
            tell(f"scheduled inspection: {lost}asked for again as {job.number}")


def _run(session: Session, *states: State) -> Job | None:
    """Return the run that was asked for last, of those in one of `states` where any is given."""
    query = select(Job).where(Job.kind == RunCompliance.kind).order_by(Job.number.desc()).limit(1)
    return session.scalar(query.where(Job.state.in_(states)) if states else query)


def due(wanted: Schedule, last: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a run is to be asked for: its day has come since the last one made, and its hour (Beijing time).

    A box that was off at that hour makes it up as soon as it is on.
    """
    if not wanted.days:
        return False
    here = now.astimezone(clock.BEIJING)
    point = here.replace(hour=wanted.hour, minute=0, second=0, microsecond=0)
    if point > here:
        point -= dt.timedelta(days=1)
    if last is None:
        return True
    # The day counts, not the second: a run that took its time does not push the next one back.
    return (point.date() - last.astimezone(clock.BEIJING).date()).days >= wanted.days


def may_try(tried: Job | None, now: dt.datetime) -> bool:
    """Whether another run may be asked for: none is under way, and none came to nothing just now."""
    if tried is None:
        return True
    ended = clock.read_iso(tried.finished_at or tried.created_at)
    return over(tried) and (tried.state == State.SUCCEEDED or now - ended >= AGAIN)


def _choosing(site: Site, key: str, value: str) -> Step:
    def do(say: Say) -> None:
        person, made = asker(site), clock.iso()
        signing = SigningKey.load(site.settings.keys / "audit.key")

        def work(session: Session) -> None:
            held = session.get(ComplianceChoice, key)
            if held is not None:
                session.delete(held)
                session.flush()
            if value:
                row = ComplianceChoice(key=key, value=value, set_by=person, set_at=made, seal="")
                row.seal = signing.sign(_content(row)).hex()
                session.add(row)

        site.change(work)
        say(f"{key} = {value or '–'}")

    return Step("choice", Text("写入选项", "Write the choice"), do)


def _content(row: ComplianceChoice) -> bytes:
    return sealed({"key": row.key, "value": row.value}, row.set_by, row.set_at)

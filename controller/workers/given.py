"""What people gave, out of the records and into the file for the inspector; only what carries the worker's seal."""

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import NotFound
from compliance.given import Attachment, Former, Given, Statement, Waiver
from compliance.model import Verdict
from compliance.risks import State
from controller.jobs.steps import Say
from controller.records import answers, compared, compliance
from controller.records.answers import FORMER, SCHEDULE, Paper, Row
from controller.records.assessment import ComplianceStatement, ComplianceWaiver
from controller.records.session import reading
from controller.workers.assessing import genuine_choices
from controller.workers.papers import genuine, statement
from controller.workers.site import Site


def collect(site: Site, say: Say) -> Given:
    """Return what a run that begins now is given; what no seal covers counts as not approved, and is told."""
    with reading(site.engine) as session:
        chosen = {key: row.value for key, row in genuine_choices(session, site).items()}
        former = _former(session, chosen.pop(FORMER, ""), say)
        chosen.pop(SCHEDULE, None)
        given = Given(
            today=clock.now().date().isoformat(),
            statements=tuple(
                _statement(one, _holds(one, site, say))
                for one in _latest(answers.statements(session))
            ),
            foreign=tuple(answers.unentered(session)),
            waivers=tuple(
                _waiver(one, _holds(one, site, say)) for one in _latest(answers.waivers(session))
            ),
            options=chosen,
            former=former,
        )
    counts = f"{len(given.statements)} + {len(given.waivers)} + {len(given.foreign)}"
    say(f"人员记录、豁免、外部对象 statements, waivers, foreign objects: {counts}")
    return given


def _latest(rows: list[Row]) -> list[Row]:
    """Return one paper for each item and object: the approved one, else the newest that waits."""
    held: dict[tuple[str, str], Row] = {}
    for one in rows:
        key = (one.item, one.subject)
        if key not in held or (one.state == "approved" and held[key].state != "approved"):
            held[key] = one
    return sorted(held.values(), key=lambda one: (one.item, one.subject))


def _holds(row: Paper, site: Site, say: Say) -> bool:
    if row.state != "approved":
        return False
    if genuine(site.settings, row.seal, statement(row)):
        return True
    say(
        f"签封不符，按未批准处理 the seal does not hold, counts as not approved: {row.item} {row.subject}"
    )
    return False


def _statement(row: ComplianceStatement, approved: bool) -> Statement:  # noqa: FBT001 - a fact of the row
    files = tuple(Attachment(one["name"], one["size"], one["sha256"]) for one in row.attachments)
    return Statement(
        item=row.item,
        subject=row.subject,
        verdict=Verdict(row.verdict),
        record=row.record,
        answered_by=row.asked_by,
        answered_at=row.asked_at,
        approved_by=row.approved_by if approved else "",
        approved_at=row.approved_at if approved else "",
        review_by=row.review_by,
        attachments=files,
    )


def _waiver(row: ComplianceWaiver, approved: bool) -> Waiver:  # noqa: FBT001 - a fact of the row
    return Waiver(
        item=row.item,
        subject=row.subject,
        reason=row.reason,
        measure=row.measure,
        requested_by=row.asked_by,
        approved_by=row.approved_by if approved else "",
        expires=row.expires,
    )


def _former(session: Session, run: str, say: Say) -> Former | None:
    """Return the run before correction as its report tells it; None without one, or where it is gone (and told)."""
    if not run:
        return None
    try:
        row = compliance.run(session, run)
        held = compared.read(row)
    except (NotFound, compared.ReportAway) as error:
        say(f"整改前的检查不可用 the run before correction is not to be had: {run}: {error}")
        return None
    opened = tuple(one["id"] for one in held["risks"] if one["state"] == State.OPEN)
    return Former(row.digest, opened)

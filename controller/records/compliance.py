"""Reading compliance runs."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.tables import ComplianceRun


def runs(session: Session, limit: int = 100) -> list[ComplianceRun]:
    """Return the runs, newest first."""
    query = select(ComplianceRun).order_by(ComplianceRun.at.desc()).limit(limit)
    return list(session.scalars(query))


def run(session: Session, name: str) -> ComplianceRun:
    """Return a run by its id, or the newest for "last"; raise `NotFound`."""
    newest = runs(session, 1)
    found = (newest[0] if newest else None) if name == "last" else session.get(ComplianceRun, name)
    if found is None:
        raise NotFound(what="检查记录 compliance run", name=name)
    return found

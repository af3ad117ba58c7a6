"""Reading compliance runs, and where a run's files lie."""

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound, Text
from controller.records.tables import ComplianceRun

_NEWEST = ("last", "previous")


def runs(session: Session, limit: int = 100) -> list[ComplianceRun]:
    """Return the runs, newest first."""
    query = select(ComplianceRun).order_by(ComplianceRun.at.desc()).limit(limit)
    return list(session.scalars(query))


def run(session: Session, name: str) -> ComplianceRun:
    """Return a run by its id, "last" being the newest and "previous" the one before it; raise `NotFound`."""
    if name in _NEWEST:
        found = next(iter(runs(session, len(_NEWEST))[_NEWEST.index(name) :]), None)
    else:
        found = session.get(ComplianceRun, name)
    if found is None:
        raise NotFound(what="检查记录 compliance run", name=name)
    return found


FORMS = ("html", "json", "xlsx", "pdf")
"""Forms of a report. A run always has the first two; the others as far as they could be made."""


class FormNotMade(NotFound):
    """The run's report was not made in that form."""

    code = "compliance.form_not_made"
    text = Text("这次检查没有 {form} 形式的报告：{run}", "This run has no report as {form}: {run}")
    hint = Text(
        "请查看该次检查任务的日志，或重新执行一次检查。",
        "Look at the log of that run's job, or run the inspection again.",
    )


def path(run: ComplianceRun, form: str) -> Path:
    """Return where the run's report lies in that form; raise `FormNotMade` for a form it does not have."""
    if form in ("html", "json"):
        return Path(run.json_path if form == "json" else run.html_path)
    held = Path(run.json_path).with_suffix(f".{form}")
    if form not in FORMS or not held.is_file():
        raise FormNotMade(form=form, run=run.id)
    return held


def forms(run: ComplianceRun) -> list[str]:
    """Return the forms in which the run's report is there to be downloaded."""
    made = [Path(run.json_path).with_suffix(f".{form}").is_file() for form in FORMS[2:]]
    return [*FORMS[:2], *(form for form, there in zip(FORMS[2:], made, strict=True) if there)]

"""Compliance: the last run's counts, layers and findings worst first; runs; the signed report to take away."""

from pathlib import Path

from flask import request, send_file
from flask.typing import ResponseReturnValue

from appliance.errors import NotFound
from controller.actions.compliance import RunCompliance
from controller.records import compliance as records
from controller.web.desk import Desk
from controller.web.drawings.bars import bar, swatch
from controller.web.facts import inspection
from controller.web.route import READERS, Route

PAGE = 30
CHOICES = {
    "": ("violated", "partial", "unknown"),
    "pending": ("pending",),
    "conform": ("conform",),
    "not_applicable": ("not_applicable",),
}
_KINDS = {"json": "application/json", "html": "text/html"}


def show(desk: Desk) -> ResponseReturnValue:
    """Show the newest run."""
    return _page(desk, "last")


def one(desk: Desk, run_id: str) -> ResponseReturnValue:
    """Show an earlier run."""
    return _page(desk, run_id)


def start(desk: Desk) -> ResponseReturnValue:
    """Ask for a run; it only reads."""
    return desk.ask(RunCompliance())


def download(desk: Desk, run_id: str, form: str) -> ResponseReturnValue:
    """Hand out the signed report as a file: JSON for checking, HTML for reading and printing."""
    if form not in _KINDS:
        raise NotFound(what="报告格式 report format", name=form)
    with desk.records() as session:
        run = records.run(session, run_id)
    path = Path(run.json_path if form == "json" else run.html_path)
    if not path.is_file():
        raise inspection.ReportGone(path=path)
    name = f"hbox-compliance-{run.at[:10]}-{run.digest[:8]}.{form}"
    return send_file(path, mimetype=_KINDS[form], as_attachment=True, download_name=name)


def _page(desk: Desk, name: str) -> ResponseReturnValue:
    chosen = request.args.get("verdict", "")
    layer = request.args.get("layer", "")
    with desk.records() as session:
        runs = records.runs(session, 10)
        run = records.run(session, name) if runs or name != "last" else None
    report = inspection.read(run) if run else None
    wanted = CHOICES.get(chosen, CHOICES[""])
    found = [
        finding
        for finding in (report.findings if report else ())
        if finding.verdict in wanted and finding.item.startswith(layer)
    ]
    return desk.render(
        "compliance.html",
        run=run,
        runs=runs,
        report=report,
        findings=found if "all" in request.args else found[:PAGE],
        hidden=0 if "all" in request.args else max(0, len(found) - PAGE),
        counts=inspection.counts,
        verdicts=inspection.WORST_FIRST,
        chosen=chosen,
        layer=layer,
        choices=tuple(CHOICES),
        bar=bar,
        swatch=swatch,
        may_run=desk.may(RunCompliance),
    )


ROUTES = (
    Route("/compliance", show, READERS),
    Route("/compliance/run", start, READERS, "POST"),
    Route("/compliance/runs/<run_id>", one, READERS),
    Route("/compliance/runs/<run_id>/report.<form>", download, READERS),
)

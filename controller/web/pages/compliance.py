"""Compliance: the last run's counts, what the machine judged, layers, findings; runs; the signed report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from flask import request, send_file
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from appliance import clock
from appliance.errors import NotFound
from compliance.exports import FORMS as MADE
from compliance.model import VERDICT_TEXT
from compliance.plot_trend import Point, trend
from compliance.style import COLOURS
from controller.actions.compliance import RunCompliance
from controller.actions.mending import MendFindings
from controller.records import compliance as records
from controller.records.tables import ComplianceRun
from controller.web.desk import Desk
from controller.web.drawings.bars import bar, swatch
from controller.web.facts import inspection
from controller.web.route import READERS, Route

PAGE = 30
_TREND = 60  # runs that the plot shows
CHOICES = {
    "": ("violated", "partial", "unknown"),
    "violated": ("violated",),
    "partial": ("partial",),
    "unknown": ("unknown",),
    "conform": ("conform",),
    "rest": ("rest",),
    "not_applicable": ("not_applicable",),
    "pending": ("pending",),
}
"""Filters of the findings by `choice`; "" is what must be acted on."""

JUDGED = ("violated", "partial", "unknown", "conform", "not_applicable", "rest")
_KINDS = {
    "html": "text/html",
    "json": "application/json",
    **{name: form.kind for name, form in MADE.items()},
}


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
    """Hand out the report as a file: JSON for checking, the other forms for reading and filing."""
    if form not in _KINDS:
        raise NotFound(what="报告格式 report format", name=form)
    with desk.records() as session:
        run = records.run(session, run_id)
    path = records.path(run, form)
    if not path.is_file():
        raise inspection.ReportGone(path=path)
    day = clock.read_iso(run.at).astimezone(clock.BEIJING).date().isoformat()  # as the pages say it
    name = f"hbox-compliance-{day}-{run.digest[:8]}.{form}"
    return send_file(path, mimetype=_KINDS[form], as_attachment=True, download_name=name)


@dataclass(frozen=True)
class Filter:
    """Which findings are shown; an empty layer or object means all, and an item is a layer of one."""

    verdict: str
    layer: str
    object: str

    @classmethod
    def asked(cls) -> "Filter":
        """Return the filter of the request's address; an unknown verdict is what must be acted on."""
        verdict, layer, of = (request.args.get(name, "") for name in ("verdict", "layer", "object"))
        return cls(verdict if verdict in CHOICES else "", layer, of)

    def of(self, report: inspection.ReportView) -> dict[str, list[inspection.FindingView]]:
        """Return the findings of layer and object for each choice, worst first."""
        here = [
            one
            for one in report.findings
            if (not self.layer or f"{one.item}.".startswith(f"{self.layer}."))
            and self.object in ("", one.subject)
        ]
        return {name: [f for f in here if f.choice in held] for name, held in CHOICES.items()}

    def href(self, **other: str) -> str:
        """Return the address of the findings with some of the filter's parts changed."""
        parts = {**asdict(self), **other}
        return f"?{urlencode({name: value for name, value in parts.items() if value})}#findings"


def _page(desk: Desk, name: str) -> ResponseReturnValue:
    chosen = Filter.asked()
    with desk.records() as session:
        past = records.runs(session, _TREND)
        run = records.run(session, name) if past or name != "last" else None
    report = inspection.read(run) if run else None
    held = chosen.of(report) if report else {}
    found = held.get(chosen.verdict, [])
    shown = found if "all" in request.args else found[:PAGE]
    return desk.render(
        "compliance.html",
        run=run,
        runs=past[:10],
        forms=records.forms(run) if run else (),
        forms_of=records.forms,
        trend=_trend(past),
        report=report,
        findings=shown,
        hidden=len(found) - len(shown),
        counts=inspection.counts,
        verdicts=inspection.WORST_FIRST,
        judged=JUDGED,
        chosen=chosen,
        choices={name: len(of) for name, of in held.items()},
        bar=bar,
        swatch=swatch,
        may_run=desk.may(RunCompliance),
        may_mend=desk.may(MendFindings),
    )


def _trend(past: Sequence[ComplianceRun]) -> Markup:
    """Draw the runs over time, oldest first, from what the records keep of each."""
    at = {run.id: clock.read_iso(run.at).astimezone(clock.BEIJING) for run in past}
    days = {one.date() for one in at.values()}
    # Of several runs on a day the hour tells them apart.
    form = "%Y-%m-%d" if len(days) == len(at) else "%m-%d %H:%M"
    points = [
        Point(at[run.id].strftime(form), inspection.counts(run), *_band(run))
        for run in reversed(past)
    ]
    legend = {str(verdict): text.as_dict() for verdict, text in VERDICT_TEXT.items()}
    return Markup(trend(points, legend, COLOURS))  # noqa: S704 - it escapes all that is not ours


def _band(run: ComplianceRun) -> tuple[float | None, float | None]:
    low, high = run.summary.get("band") or (None, None)
    return low, high


ROUTES = (
    Route("/compliance", show, READERS),
    Route("/compliance/run", start, READERS, "POST"),
    Route("/compliance/runs/<run_id>", one, READERS),
    Route("/compliance/runs/<run_id>/report.<form>", download, READERS),
)

"""Compliance runs: list, show, run, and download the signed report."""

from pathlib import Path

from flask import Response

from appliance.errors import Text, Unavailable
from appliance.settings import Settings
from compliance import schema
from compliance.exports import FORMS as MADE
from controller.actions.compliance import RunCompliance
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.box import ReportForm, RunOut
from controller.api.schemas.jobs import JobOut
from controller.records import compliance

KINDS = {
    "html": "text/html",
    "json": "application/json",
    **{name: form.kind for name, form in MADE.items()},
}
"""Content type of a report's form."""


@route(
    Form(
        "GET",
        "/api/v1/compliance/runs",
        Text("列出等保检查", "List the compliance runs"),
        READERS,
        answer=Items[RunOut],
    )
)
def list_runs(call: Call) -> Answer:
    """Answer with the runs, newest first."""
    found = call.read(compliance.runs)
    return Answer(Items[RunOut](items=[_out(run) for run in found]))


@route(
    Form(
        "GET",
        "/api/v1/compliance/runs/<run>",
        Text("查看等保检查", "Show a compliance run"),
        READERS,
        answer=RunOut,
    )
)
def show_run(call: Call, run: str) -> Answer:
    """Answer with one run; `last` is the newest."""
    return Answer(_out(call.read(lambda session: compliance.run(session, run))))


@route(
    Form(
        "GET",
        "/api/v1/compliance/runs/<run>/report",
        Text("下载等保报告", "Download a compliance report"),
        READERS,
        query=ReportForm,
        gives=tuple(KINDS.values()),
    )
)
def download_report(call: Call, run: str) -> Answer:
    """Answer with the report file as the worker wrote it; its digest stands in the run."""
    form = call.asked(ReportForm).form
    row = call.read(lambda session: compliance.run(session, run))
    held = _inside(call.settings, str(compliance.path(row, form)))
    kind = KINDS[form] + ("; charset=utf-8" if form == "html" else "")
    report = Response(held.read_bytes(), content_type=kind)
    headers = {
        "Content-Disposition": f'attachment; filename="hbox-{row.id}.{form}"',
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return Answer(report, headers=headers)


@route(
    Form(
        "GET",
        "/api/v1/compliance/schema",
        Text("取得等保报告的 JSON Schema", "Get the JSON schema of compliance reports"),
        READERS,
        gives=("application/schema+json",),
    )
)
def report_schema(call: Call) -> Answer:
    """Answer with the schema that every signed report keeps."""
    del call
    return Answer(Response(schema.text(), content_type="application/schema+json"))


@route(
    Form(
        "POST",
        "/api/v1/compliance/runs",
        Text("执行等保检查", "Run the compliance inspection"),
        RunCompliance.roles,
        answer=JobOut,
        status=202,
    )
)
def run_compliance(call: Call) -> Answer:
    """Submit a run."""
    return call.submit(RunCompliance())


def _out(row: object) -> RunOut:
    return RunOut.model_validate(row)


def _inside(settings: Settings, path: str) -> Path:
    """Return the report's path; a row that points elsewhere is not followed."""
    folder = (settings.state / "reports").resolve()
    held = (folder / path).resolve()
    if not held.is_relative_to(folder) or not held.is_file():
        raise Unavailable(what="报告文件 the report", why=Path(path).name)
    return held

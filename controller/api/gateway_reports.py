"""Daily reports of the exchange: list, make, download."""

from pathlib import Path

from flask import Response

from appliance.errors import NotFound, Text
from controller.actions.supervision import MakeReport
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.box import ReportForm
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.supervision import ReportIn, ReportOut
from controller.records import traffic

_KINDS = {"html": "text/html; charset=utf-8", "json": "application/json"}


@route(
    Form(
        "GET",
        "/api/v1/gateway/reports",
        Text("列出交换日报", "List the daily reports"),
        READERS,
        answer=Items[ReportOut],
    )
)
def list_reports(call: Call) -> Answer:
    """Answer with the reports, the latest day first."""
    found = call.read(traffic.reports)
    return Answer(Items[ReportOut](items=[ReportOut.model_validate(row) for row in found]))


@route(
    Form(
        "POST",
        "/api/v1/gateway/reports",
        Text("生成交换日报", "Make a daily report"),
        MakeReport.roles,
        body=ReportIn,
        answer=JobOut,
        status=202,
    )
)
def make_report(call: Call) -> Answer:
    """Submit a report of the day given."""
    return call.submit(MakeReport(call.json(ReportIn).day))


@route(
    Form(
        "GET",
        "/api/v1/gateway/reports/<day>",
        Text("下载交换日报", "Download a daily report"),
        READERS,
        query=ReportForm,
        gives=("text/html", "application/json"),
    )
)
def download_gateway_report(call: Call, day: str) -> Answer:
    """Answer with the report's file as the worker wrote it."""
    form = call.asked(ReportForm).form
    path = report_file(call.settings.state, day, form)
    headers = {
        "Content-Disposition": f'attachment; filename="hbox-gateway-{day}.{form}"',
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return Answer(Response(path.read_bytes(), content_type=_KINDS[form]), headers=headers)


def report_file(state: Path, day: str, form: str) -> Path:
    """Return where the worker put the report of `day`; raises `NotFound`."""
    path = state / "reports" / "gateway" / f"{day}.{form}"
    plain = len(day) == 10 and day.replace("-", "").isdigit()
    if not plain or form not in _KINDS or not path.is_file():
        raise NotFound(what="日报 daily report", name=day[:40])
    return path

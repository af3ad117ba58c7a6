"""The exchange's daily reports: list, make, download; and the alerts there have been."""

from flask import send_file
from flask.typing import ResponseReturnValue

from appliance.clock import BEIJING, now
from appliance.errors import NotFound
from controller.actions.supervision import MakeReport
from controller.records import alerts, traffic
from controller.records.exchange import GatewayReport
from controller.web.desk import Desk, text
from controller.web.route import READERS, Route

_KINDS = {"json": "application/json", "html": "text/html"}


def show(desk: Desk) -> ResponseReturnValue:
    """List the reports and the alerts, the latest first."""
    with desk.records() as session:
        return desk.render(
            "gateway_reports.html",
            reports=traffic.reports(session),
            alerts=[(alert, alerts.words(alert)) for alert in alerts.many(session)],
            today=now().astimezone(BEIJING).date().isoformat(),
            may_make=desk.may(MakeReport),
        )


def make(desk: Desk) -> ResponseReturnValue:
    """Ask for the report of one day."""
    return desk.ask(MakeReport(text("day")))


def download(desk: Desk, day: str, form: str) -> ResponseReturnValue:
    """Hand out one report as a file: JSON for checking, HTML for reading and printing."""
    with desk.records() as session:
        row = session.get(GatewayReport, day)
    path = desk.settings.state / "reports" / "gateway" / f"{row.day if row else ''}.{form}"
    if row is None or form not in _KINDS or not path.is_file():
        raise NotFound(what="日报 daily report", name=day[:40])
    name = f"hbox-gateway-{row.day}.{form}"
    return send_file(path, mimetype=_KINDS[form], as_attachment=True, download_name=name)


ROUTES = (
    Route("/gateway/reports", show, READERS),
    Route("/gateway/reports/make", make, MakeReport.roles, "POST"),
    Route("/gateway/reports/<day>.<form>", download, READERS),
)

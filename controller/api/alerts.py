"""Alerts of the exchange: list them, say that somebody sees to one; rebuild the index they rest on."""

from appliance.errors import Text
from controller.actions.supervision import AcknowledgeAlert, RebuildIndex
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.supervision import AlertFilter, AlertOut
from controller.records import alerts


@route(
    Form(
        "GET",
        "/api/v1/gateway/alerts",
        Text("列出告警", "List the alerts"),
        READERS,
        answer=Items[AlertOut],
        query=AlertFilter,
    )
)
def list_alerts(call: Call) -> Answer:
    """Answer with alerts, newest first."""
    asked = call.asked(AlertFilter)
    found = call.read(lambda session: alerts.many(session, closed=asked.all, limit=asked.limit))
    return Answer(Items[AlertOut](items=[AlertOut.of(row) for row in found]))


@route(
    Form(
        "POST",
        "/api/v1/gateway/alerts/<alert>/ack",
        Text("确认告警", "Acknowledge an alert"),
        AcknowledgeAlert.roles,
        answer=JobOut,
        status=202,
    )
)
def acknowledge(call: Call, alert: str) -> Answer:
    """Submit that the asker sees to it."""
    return call.submit(AcknowledgeAlert(alert))


@route(
    Form(
        "POST",
        "/api/v1/gateway/index",
        Text("从日志重建传输索引", "Rebuild the index from the journal"),
        RebuildIndex.roles,
        answer=JobOut,
        status=202,
    )
)
def rebuild(call: Call) -> Answer:
    """Submit a rebuild."""
    return call.submit(RebuildIndex())

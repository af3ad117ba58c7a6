"""The box at a glance, and what this API can do."""

from functools import cache
from importlib.metadata import version

from sqlalchemy.orm import Session

from appliance.errors import Text
from controller.api.call import Answer, Call
from controller.api.route import INSIDERS, Form, route
from controller.api.schemas.box import FeaturesOut, StatusOut
from controller.records import compliance, gateway, jobs, modules, nodes, vms

FEATURES = (
    "jobs",
    "vms",
    "modules",
    "gateway",
    "compliance",
    "audit",
    "events",
    "idempotency",
    "etag",
    "tokens",
    "tenants",
    "grants",
    "metrics",
    "pages",
)


@route(Form("GET", "/api", Text("接口能力", "What this API can do"), None, answer=FeaturesOut))
def features(call: Call) -> Answer:
    """Answer with version and features; names are only ever added."""
    del call
    return Answer(FeaturesOut(version=_version(), features=list(FEATURES)))


@route(
    Form(
        "GET",
        "/api/v1/status",
        Text("医盒概况", "The box at a glance"),
        INSIDERS,
        answer=StatusOut,
    )
)
def status(call: Call) -> Answer:
    """Answer with counts by state and the last proofs of well-being."""

    def ask(session: Session) -> StatusOut:
        runs, proofs = compliance.runs(session, 1), gateway.proofs(session, 1)
        return StatusOut(
            site=call.settings.site_name,
            version=_version(),
            nodes=len(nodes.many(session)),
            vms=vms.counts(session),
            jobs=jobs.counts(session),
            modules=modules.counts(session),
            last_compliance_at=runs[0].at if runs else None,
            last_proof_at=proofs[0].at if proofs else None,
            open_ways=proofs[0].open_ways if proofs else None,
        )

    return Answer(call.read(ask))


@cache
def _version() -> str:
    return version("hbox")

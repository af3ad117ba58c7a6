"""Tenants: list with what each has taken, show, set limits, remove."""

from sqlalchemy.orm import Session

from appliance.errors import NotFound, Text
from controller.access import reach
from controller.actions.tenants import RemoveTenant, SetTenant
from controller.api.call import Answer, Call
from controller.api.route import VIEWERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.tenants import AmountOut, TenantIn, TenantOut
from controller.records import tenants
from controller.records.cluster import Tenant
from controller.records.tenants import Usage


@route(
    Form(
        "GET",
        "/api/v1/tenants",
        Text("列出租户及用量", "List the tenants and what they use"),
        VIEWERS,
        answer=Items[TenantOut],
    )
)
def list_tenants(call: Call) -> Answer:
    """Answer with the tenants by name; a tenant's own account sees those it was granted."""
    mine = reach.tenants(call.principal)

    def ask(session: Session) -> list[TenantOut]:
        taken = tenants.usage(session)
        rows = [row for row in tenants.many(session) if mine is None or row.name in mine]
        return [_out(row, taken.get(row.name, Usage())) for row in rows]

    return Answer(Items[TenantOut](items=call.read(ask)))


@route(
    Form(
        "GET",
        "/api/v1/tenants/<tenant>",
        Text("查看租户", "Show a tenant"),
        VIEWERS,
        answer=TenantOut,
    )
)
def show_tenant(call: Call, tenant: str) -> Answer:
    """Answer with one tenant and what it has taken, and its ETag."""

    def ask(session: Session) -> TenantOut:
        missing = NotFound(what="租户 tenant", name=tenant)
        call.see(session, f"tenant/{tenant}", missing)
        return _out(tenants.get(session, tenant), tenants.usage(session).get(tenant, Usage()))

    shown = call.read(ask)
    return Answer(shown, headers={"ETag": f'"{shown.version}"'})


@route(
    Form(
        "POST",
        "/api/v1/tenants",
        Text("设置租户及其上限", "Make a tenant, or set its limits"),
        SetTenant.roles,
        answer=JobOut,
        body=TenantIn,
        status=202,
    )
)
def set_tenant(call: Call) -> Answer:
    """Submit the limits."""
    return call.submit(SetTenant(**call.json(TenantIn).model_dump()))


@route(
    Form(
        "DELETE",
        "/api/v1/tenants/<tenant>",
        Text("移除租户", "Remove a tenant"),
        RemoveTenant.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_tenant(call: Call, tenant: str) -> Answer:
    """Submit the removal; refused while anything belongs to the tenant."""
    return call.submit(RemoveTenant(tenant))


def _out(row: Tenant, taken: Usage) -> TenantOut:
    return TenantOut(
        name=row.name,
        limits=AmountOut.model_validate(row),
        used=AmountOut.model_validate(taken),
        version=row.version,
        created_at=row.created_at,
    )

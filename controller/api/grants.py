"""Grants: which account of the role tenant may do what, below which path."""

from typing import get_args

from appliance import chance
from appliance.errors import Text
from controller.actions.base import Role
from controller.actions.grants import AddGrant, RemoveGrant
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.tenants import GrantIn, GrantOut, RightName
from controller.records import tenants
from controller.records.cluster import Grant

_READERS = frozenset({Role.SECURITY, Role.AUDIT, Role.AUDITOR})
_RIGHTS: dict[str, RightName] = {name: name for name in get_args(RightName)}


@route(
    Form(
        "GET",
        "/api/v1/grants",
        Text("列出授权", "List the grants"),
        _READERS,
        answer=Items[GrantOut],
    )
)
def list_grants(call: Call) -> Answer:
    """Answer with the grants by account and path."""
    found = call.read(tenants.grants)
    return Answer(Items[GrantOut](items=[_out(row, account) for row, account in found]))


@route(
    Form(
        "POST",
        "/api/v1/grants",
        Text("授予权限", "Grant a right"),
        AddGrant.roles,
        answer=JobOut,
        body=GrantIn,
        status=202,
    )
)
def add_grant(call: Call) -> Answer:
    """Submit the grant."""
    asked = call.json(GrantIn)
    return call.submit(AddGrant(chance.new_id(), asked.account, asked.right, asked.path))


@route(
    Form(
        "DELETE",
        "/api/v1/grants/<grant>",
        Text("收回权限", "Take a grant back"),
        RemoveGrant.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_grant(call: Call, grant: str) -> Answer:
    """Take the grant back, at once."""
    held, account = call.read(lambda session: tenants.grant(session, grant))
    return call.submit(RemoveGrant(held.id, account, held.right, held.path))


def _out(row: Grant, account: str) -> GrantOut:
    return GrantOut(
        id=row.id,
        account=account,
        right=_RIGHTS[row.right],
        path=row.path,
        made_by=row.made_by,
        created_at=row.created_at,
    )

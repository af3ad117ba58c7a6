"""API tokens: list, make (the key is in this one answer and nowhere else), revoke."""

from typing import get_args

from appliance import clock
from appliance.errors import Text
from controller.access import tokens
from controller.actions.rights import Right, Scope
from controller.api.call import Answer, Call
from controller.api.route import EVERYONE, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.tenants import RightName, TokenIn, TokenMadeOut, TokenOut
from controller.records.cluster import ApiToken

_RIGHTS: dict[str, RightName] = {name: name for name in get_args(RightName)}


@route(
    Form(
        "GET",
        "/api/v1/tokens",
        Text("列出 API 令牌", "List the API tokens"),
        EVERYONE,
        answer=Items[TokenOut],
    )
)
def list_tokens(call: Call) -> Answer:
    """Answer with one's own tokens; with everybody's for those who keep or audit accounts."""
    found = call.read(lambda session: tokens.many(session, call.principal))
    return Answer(Items[TokenOut](items=[_out(row, owner) for row, owner in found]))


@route(
    Form(
        "POST",
        "/api/v1/tokens",
        Text("创建 API 令牌", "Make an API token"),
        EVERYONE,
        answer=TokenMadeOut,
        body=TokenIn,
        status=201,
    )
)
def make_token(call: Call) -> Answer:
    """Make a token for oneself; it takes the person, a token makes no tokens."""
    asked = call.json(TokenIn)
    wanted = tokens.Wanted(asked.name, Scope(Right(asked.right), asked.path), asked.days)
    made = tokens.issue(call.engine, call.principal, wanted)
    return Answer(TokenMadeOut(key=made.key, token=_out(made.row, call.principal.name)), 201)


@route(
    Form(
        "DELETE",
        "/api/v1/tokens/<token>",
        Text("吊销 API 令牌", "Revoke an API token"),
        EVERYONE,
        answer=TokenOut,
    )
)
def revoke_token(call: Call, token: str) -> Answer:
    """Shut the token out, at once."""
    row, owner = tokens.revoke(call.engine, call.principal, token)
    return Answer(_out(row, owner))


def _out(row: ApiToken, owner: str) -> TokenOut:
    made = {"owner", "right", "alive"}
    kept = {name: getattr(row, name) for name in TokenOut.model_fields.keys() - made}
    alive = row.revoked_at is None and row.expires_at > clock.iso()
    return TokenOut(**kept, owner=owner, right=_RIGHTS[row.right], alive=alive)

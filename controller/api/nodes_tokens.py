"""Tokens by which further nodes join: make one (shown once), list, revoke."""

from appliance.errors import NotFound, Text
from controller.access import invitations
from controller.actions.nodes_join import JoinNode, TokenUsed
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items, Nothing
from controller.api.schemas.nodes import TokenIn, TokenOut, TokenShown
from controller.records import nodes
from controller.records.cluster import NodeToken
from controller.records.session import transaction


@route(
    Form(
        "POST",
        "/api/v1/node-tokens",
        Text("生成节点加入令牌", "Make a token for a node to join"),
        JoinNode.roles,
        answer=TokenOut,
        body=TokenIn,
        status=201,
    )
)
def make_token(call: Call) -> Answer:
    """Answer with the token: the only time that its secret is seen."""
    asked = call.json(TokenIn)
    wanted = invitations.Wanted(asked.name, asked.replace, asked.minutes)
    row, made = invitations.issue(call.engine, call.settings, call.principal, wanted)
    shown = TokenOut(
        id=row.id,
        token=made.line(),
        spoken=made.spoken,
        name=row.name,
        replaces=row.replaces,
        expires_at=row.expires_at,
    )
    return Answer(shown, 201)


@route(
    Form(
        "GET",
        "/api/v1/node-tokens",
        Text("列出节点加入令牌", "List the tokens for nodes to join"),
        READERS,
        answer=Items[TokenShown],
    )
)
def list_tokens(call: Call) -> Answer:
    """Answer with all tokens, without their secrets."""
    found = call.read(nodes.tokens)
    return Answer(Items[TokenShown](items=[TokenShown.model_validate(row) for row in found]))


@route(
    Form(
        "DELETE",
        "/api/v1/node-tokens/<token>",
        Text("撤销节点加入令牌", "Revoke a token"),
        JoinNode.roles,
        answer=Nothing,
    )
)
def revoke_token(call: Call, token: str) -> Answer:
    """Forget a token that was not used."""
    with transaction(call.engine) as session:
        row = session.get(NodeToken, token)
        if row is None:
            raise NotFound(what="令牌 token", name=token[:40])
        if row.used_at is not None:
            raise TokenUsed
        invitations.note(session, call.principal, row, "revoked")
        session.delete(row)
    return Answer(Nothing())

"""Letting a node join or take a dead one's place: the token is made here and shown in this one answer."""

from flask import redirect
from flask.typing import ResponseReturnValue

from appliance.errors import BadInput, BoxError, Conflict, NotFound, Unavailable
from controller.access import invitations
from controller.actions.nodes_join import TokenUsed
from controller.records import nodes
from controller.records.cluster import NodeToken
from controller.records.session import transaction
from controller.web.desk import Desk, text, ticked, whole
from controller.web.route import READERS, SYSTEM, Route
from controller.web.status import status_of


def show(desk: Desk) -> ResponseReturnValue:
    """List the tokens, with the form for a new one and the way a dead node is replaced."""
    return _page(desk)


def make(desk: Desk) -> ResponseReturnValue:
    """Make a token and show it: nobody can see it again."""
    try:
        wanted = invitations.Wanted(text("name"), ticked("replace"), whole("minutes"))
        _row, made = invitations.issue(desk.engine, desk.settings, desk.principal, wanted)
    except (BadInput, Conflict, NotFound, Unavailable) as error:
        return _page(desk, error=error), status_of(error)
    return _page(desk, made=made)


def revoke(desk: Desk, token_id: str) -> ResponseReturnValue:
    """Forget a token that was not used."""
    with transaction(desk.engine) as session:
        row = session.get(NodeToken, token_id)
        if row is None:
            raise NotFound(what="令牌 token", name=token_id[:40])
        if row.used_at is not None:
            raise TokenUsed
        invitations.note(session, desk.principal, row, "revoked")
        session.delete(row)
    return redirect("/nodes/tokens", 303)


def _page(desk: Desk, *, made: object = None, error: BoxError | None = None) -> str:
    with desk.records() as session:
        tokens = nodes.tokens(session)
        members = [node for node in nodes.many(session) if not node.home]
    may = desk.offers("node.join")
    return desk.render(
        "node_tokens.html", tokens=tokens, members=members, made=made, error=error, may=may
    )


ROUTES = (
    Route("/nodes/tokens", show, READERS),
    Route("/nodes/tokens", make, SYSTEM, "POST"),
    Route("/nodes/tokens/<token_id>/revoke", revoke, SYSTEM, "POST"),
)

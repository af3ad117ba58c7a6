"""Reading nodes, and the tokens by which further ones join."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.cluster import NodeToken
from controller.records.tables import Node


def many(session: Session) -> list[Node]:
    """Return the nodes by name."""
    return list(session.scalars(select(Node).order_by(Node.name)))


def get(session: Session, name: str) -> Node:
    """Return a node; raise `NotFound`."""
    found = session.get(Node, name)
    if found is None:
        raise NotFound(what="节点 node", name=name)
    return found


def first(session: Session) -> Node:
    """Return the node that new machines go to while the box has one node; raise `NotFound`."""
    found = many(session)
    if not found:
        raise NotFound(what="节点 node", name="*")
    return found[0]


def home(session: Session) -> Node:
    """Return the node that the controller runs on; raise `NotFound`."""
    found = session.scalar(select(Node).where(Node.home).order_by(Node.name))
    if found is None:
        raise NotFound(what="主节点 home node", name="*")
    return found


def tokens(session: Session) -> list[NodeToken]:
    """Return the tokens, the newest first."""
    return list(session.scalars(select(NodeToken).order_by(NodeToken.made_at.desc())))


def token(session: Session, secret_hash: str) -> NodeToken | None:
    """Return the token whose secret has this SHA-256."""
    return session.scalar(select(NodeToken).where(NodeToken.secret_hash == secret_hash))

"""Reading nodes."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
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

"""What may be asked of a node: look at its hardware."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from appliance.errors import NotFound, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.tables import Node


@dataclass(frozen=True)
class InspectNode(Action):
    """Take the inventory of a node's hardware again."""

    node: str

    kind: ClassVar[str] = "node.inspect"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "重新采集节点 {node} 的硬件信息", "Take the inventory of node {node}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"node/{self.node}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("node", self.node, fields.HOST)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if session.get(Node, self.node) is None:
            raise NotFound(what="节点 node", name=self.node)

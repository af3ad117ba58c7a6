"""What may be asked about mending: see what would change, mend, take it back."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from appliance.errors import Conflict, NotFound, Text
from compliance import remedies
from compliance.remedies.model import Remedy
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.tables import Job, Node

NAMES = re.compile(r"[a-z][a-z0-9_]{0,40}(,[a-z][a-z0-9_]{0,40}){0,79}")
LIMIT = 120  # seconds until a node takes a mending back that nobody confirmed
_ASKERS = frozenset({Role.SECURITY, Role.SYSTEM})


class NotMended(Conflict):
    """That job mended nothing that could be taken back."""

    code = "compliance.not_a_mending"
    text = Text("任务 {number} 不是成功的整改", "The job {number} is no mending that succeeded")
    hint = Text("请用 hbox compliance mended list 查看。", "See `hbox compliance mended list`.")


@dataclass(frozen=True)
class _OnNode(Action):
    """Base: something about the settings of one node."""

    node: str

    roles: ClassVar[frozenset[Role]] = _ASKERS
    by_token: ClassVar[bool] = False

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"node/{self.node}"

    def locks(self) -> tuple[str, ...]:
        """The roles bring one node to its state at a time."""
        return (self.object, "nodes")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("node", self.node, fields.HOST)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if session.get(Node, self.node) is None:
            raise NotFound(what="节点 node", name=self.node)


@dataclass(frozen=True)
class _WithRemedies(_OnNode):
    """Base: `remedies` are ids by comma, in the table's order."""

    remedies: str

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("remedies", self.remedies, NAMES)
        remedies.named(self.chosen_ids())

    def chosen_ids(self) -> list[str]:
        """Return the ids one by one."""
        return self.remedies.split(",")

    @property
    def chosen(self) -> tuple[Remedy, ...]:
        """The remedies; raises `NoSuchRemedy`."""
        return remedies.named(self.chosen_ids())

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"remedies": self.chosen_ids()}


@dataclass(frozen=True)
class PlanMending(_WithRemedies):
    """Say what the remedies would change on the node; changes nothing."""

    kind: ClassVar[str] = "compliance.mend.plan"
    sentence: ClassVar[Text] = Text(
        "试算整改 {remedies}（{node}，不改动）",
        "See what mending {remedies} on {node} would change",
    )


@dataclass(frozen=True)
class MendFindings(_WithRemedies):
    """Run the remedies on the node. One that could lock people out reverts by itself after `seconds`."""

    seconds: int

    kind: ClassVar[str] = "compliance.mend"
    sentence: ClassVar[Text] = Text("整改 {remedies}（{node}）", "Mend {remedies} on {node}")

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.within("seconds", self.seconds, 30, 1800)


@dataclass(frozen=True)
class UndoMending(_OnNode):
    """Put back what the job `mended` changed; with `force` also over what was changed since."""

    mended: str
    force: bool
    seconds: int

    kind: ClassVar[str] = "compliance.undo"
    sentence: ClassVar[Text] = Text(
        "撤销整改（{node}，任务 {mended}）", "Take the mending {mended} on {node} back"
    )

    def sound(self) -> None:
        """See `Action.sound`."""
        super().sound()
        fields.matches("mended", self.mended, fields.ID)
        fields.within("seconds", self.seconds, 30, 1800)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"mended": self.mended, "force": self.force}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        job = session.get(Job, self.mended)
        right = job is not None and job.kind == MendFindings.kind and job.object == self.object
        if job is None or not right or job.state != "succeeded":
            raise NotMended(number=job.number if job is not None else self.mended)

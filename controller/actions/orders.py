"""What an operator may order of the running gateway: pause, go on, re-run or drop a dead letter."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.actions.channels import comment
from controller.records.exchange import Transfer

DELIVERY = re.compile(r"[0-9a-f-]{8,64}")


class NotDead(Conflict):
    """The message is no dead letter."""

    code = "gateway.not_dead"
    text = Text("报文 {delivery} 的状态为 {state}，不是死信", "The message {delivery} is {state}, no dead letter")  # fmt: skip
    hint = Text("请用 hbox gateway dead list 查看死信。", "See hbox gateway dead list.")


class _Order(Action):
    reason: str

    def locks(self) -> tuple[str, ...]:
        """The file of orders, of which there is one."""
        return ("gateway/orders",)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"reason": self.reason}


@dataclass(frozen=True)
class _OfChannel(_Order):
    channel: str
    reason: str

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"channel/{self.channel}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("channel", self.channel, fields.CHANNEL)
        comment("reason", self.reason)


@dataclass(frozen=True)
class PauseChannel(_OfChannel):
    """Let nothing of this channel cross until it goes on; what is queued waits."""

    kind: ClassVar[str] = "gateway.channel.pause"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    sentence: ClassVar[Text] = Text(
        "暂停通道 {channel}：{reason}", "Pause the channel {channel}: {reason}"
    )


@dataclass(frozen=True)
class ResumeChannel(_OfChannel):
    """Let a paused channel go on."""

    kind: ClassVar[str] = "gateway.channel.resume"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    sentence: ClassVar[Text] = Text(
        "恢复通道 {channel}：{reason}", "Let the channel {channel} go on: {reason}"
    )


@dataclass(frozen=True)
class _OfDelivery(_Order):
    delivery: str
    reason: str

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"delivery/{self.delivery}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("delivery", self.delivery, DELIVERY)
        comment("reason", self.reason)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = session.scalar(
            select(Transfer)
            .where(Transfer.delivery == self.delivery)
            .order_by(Transfer.number.desc())
            .limit(1)
        )
        if row is None:
            raise NotFound(what="报文 message", name=self.delivery)
        if row.state != "dead":
            raise NotDead(delivery=self.delivery, state=row.state)


@dataclass(frozen=True)
class RerunDead(_OfDelivery):
    """Deliver a dead letter once more, under the policy now in force."""

    kind: ClassVar[str] = "gateway.dead.rerun"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "重新投递死信 {delivery}：{reason}", "Deliver the dead letter {delivery} again: {reason}"
    )


@dataclass(frozen=True)
class DropDead(_OfDelivery):
    """Settle a dead letter without delivering it."""

    kind: ClassVar[str] = "gateway.dead.drop"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "放弃死信 {delivery}：{reason}", "Give the dead letter {delivery} up: {reason}"
    )

"""What may be asked about the gateway's channels: one person asks for a change, another decides it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import BadInput, Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.exchange import ChannelChange

OPS = ("new", "change", "remove")
TEXT_LIMIT = 128 * 1024  # bytes
_REASON = 500  # characters
_HOURS = 24 * 31


class ChangeStale(Conflict):
    """The channel is not what it was when the change was made."""

    code = "gateway.change_stale"
    text = Text(
        "通道 {channel} 已是第 {version} 版，此申请基于第 {base} 版",
        "The channel {channel} is at version {version}; this change was made on version {base}",
    )
    hint = Text("请查看当前版本后重新提交申请。", "Look at the present version and ask again.")


class ChangePending(Conflict):
    """Another change of the same channel waits to be decided."""

    code = "gateway.change_pending"
    text = Text(
        "通道 {channel} 已有待批准的变更 {number}",
        "The change {number} of the channel {channel} waits to be decided",
    )
    hint = Text("请先批准或驳回该变更。", "Have it approved or rejected first.")


class ChangeDecided(Conflict):
    """The change was decided before."""

    code = "gateway.change_decided"
    text = Text("变更 {number} 的状态已是 {state}", "The change {number} is {state} already")
    hint = Text("如需再次变更，请重新提交申请。", "To change it again, ask anew.")


class OtherChange(Conflict):
    """What is decided is not what was looked at."""

    code = "gateway.other_change"
    text = Text("变更 {number} 的内容与所审阅的不一致", "The change {number} is not what was read")
    hint = Text("请重新审阅后再批准。", "Read it again, then approve.")


class SamePerson(Conflict):
    """Who asked for a change cannot approve it (GB/T 39725-2020 Annex D)."""

    code = "gateway.same_person"
    text = Text(
        "{person} 是申请人，不能批准自己的申请", "{person} asked for it and cannot approve it"
    )
    hint = Text("请由另一位安全管理员批准。", "Have another security administrator approve it.")


@dataclass(frozen=True)
class ProposeChange(Action):
    """Ask for a channel to be made, changed or removed; nothing is open before it is approved.

    `base` is the version that it was made on, `text` the channel's whole new text (none to remove).
    """

    op: str
    channel: str
    base: int
    text: str
    reason: str

    kind: ClassVar[str] = "gateway.channel.propose"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "申请变更通道 {channel}（{op}）：{reason}",
        "Ask for a change of the channel {channel} ({op}): {reason}",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"channel/{self.channel}"

    def locks(self) -> tuple[str, ...]:
        """The book of changes, of which there is one."""
        return ("gateway/changes",)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.one_of("op", self.op, OPS)
        fields.matches("channel", self.channel, fields.CHANNEL)
        fields.within("base", self.base, 0, 1_000_000)
        comment("reason", self.reason)
        if bool(self.text) == (self.op == "remove") or len(self.text.encode()) > TEXT_LIMIT:
            raise BadInput(
                what="text", why=f"缺少、多余或过长 missing, not wanted or over {TEXT_LIMIT} bytes"
            )

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"op": self.op, "base": self.base, "reason": self.reason}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        pending = session.scalar(
            select(ChannelChange.number).where(
                ChannelChange.channel == self.channel, ChannelChange.state == "pending"
            )
        )
        if pending is not None:
            raise ChangePending(channel=self.channel, number=pending)
        version = version_of(session, self.channel)
        if version != self.base:
            raise ChangeStale(channel=self.channel, version=version, base=self.base)


@dataclass(frozen=True)
class TryChange(Action):
    """Replay what crossed in the last `hours` against the policy as it would be; nothing is sent."""

    number: int
    hours: int

    kind: ClassVar[str] = "gateway.change.try"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM, Role.SECURITY})
    sentence: ClassVar[Text] = Text(
        "试运行通道变更 {number}（最近 {hours} 小时）",
        "Try the channel change {number} on the last {hours} hours",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"change/{self.number}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.within("number", self.number, 1, 1_000_000)
        fields.within("hours", self.hours, 1, _HOURS)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        find(session, self.number)


@dataclass(frozen=True)
class ApproveChange(Action):
    """Put exactly the change with this `digest` in force; never by the one who asked for it."""

    number: int
    digest: str
    comment: str

    kind: ClassVar[str] = "gateway.change.approve"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    by_token: ClassVar[bool] = False
    sentence: ClassVar[Text] = Text("批准通道变更 {number}", "Approve the channel change {number}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"change/{self.number}"

    def locks(self) -> tuple[str, ...]:
        """The book of changes, and the policy of which there is one."""
        return ("gateway/changes", "gateway/policy")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.within("number", self.number, 1, 1_000_000)
        fields.matches("digest", self.digest, fields.DIGEST)
        comment("comment", self.comment, empty=True)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"digest": self.digest, "comment": self.comment}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        found = undecided(session, self.number)
        if found.digest != self.digest:
            raise OtherChange(number=self.number)


@dataclass(frozen=True)
class RejectChange(Action):
    """Say no to a change, with the reason."""

    number: int
    comment: str

    kind: ClassVar[str] = "gateway.change.reject"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    by_token: ClassVar[bool] = False
    sentence: ClassVar[Text] = Text("驳回通道变更 {number}", "Reject the channel change {number}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"change/{self.number}"

    def locks(self) -> tuple[str, ...]:
        """The book of changes."""
        return ("gateway/changes",)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.within("number", self.number, 1, 1_000_000)
        comment("comment", self.comment)

    def audited(self) -> dict[str, Any]:
        """See `Action.audited`."""
        return {"comment": self.comment}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        undecided(session, self.number)


def comment(what: str, text: str, *, empty: bool = False) -> None:
    """Raise `BadInput` unless `text` is a sentence that can stand in the audit trail."""
    visible = text.replace("\n", "").isprintable()
    if not (empty or text.strip()) or len(text) > _REASON or not visible:
        raise BadInput(what=what, why=f"1..{_REASON} 个可见字符 characters that can be seen")


def version_of(session: Session, channel: str) -> int:
    """Return the number of the channel's last version, 0 if it never had one."""
    query = select(func.max(ChannelChange.version)).where(ChannelChange.channel == channel)
    return session.scalar(query) or 0


def find(session: Session, number: int) -> ChannelChange:
    """Return the row of a change; raise `NotFound`."""
    found = session.get(ChannelChange, number)
    if found is None:
        raise NotFound(what="通道变更 channel change", name=number)
    return found


def undecided(session: Session, number: int) -> ChannelChange:
    """Return the row of a change that waits to be decided; raise `NotFound` or `ChangeDecided`."""
    found = find(session, number)
    if found.state != "pending":
        raise ChangeDecided(number=number, state=found.state)
    return found

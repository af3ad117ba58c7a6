"""How a channel change is asked for, approved and rejected: derived again from the box's own book."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import NotFound, Text
from controller.actions.channels import (
    ApproveChange,
    ChangeDecided,
    ChangePending,
    ChangeStale,
    OtherChange,
    ProposeChange,
    RejectChange,
    SamePerson,
)
from controller.jobs.steps import Say, Step
from controller.records.exchange import ChannelChange
from controller.workers.approvals import Approvals
from controller.workers.asker import asker
from controller.workers.candidate import candidate, module_channels
from controller.workers.changebook import Change, ChangeBook
from controller.workers.site import Site
from network.gateway.widening import widened


def propose(action: ProposeChange, site: Site) -> Sequence[Step]:
    """Judge the text as if it were in force, then write it into the book; nothing opens yet."""
    return _Proposal(action, site, ChangeBook(site.settings)).steps()


@dataclass(frozen=True)
class _Proposal:
    action: ProposeChange
    site: Site
    book: ChangeBook

    def steps(self) -> list[Step]:
        return [
            Step(
                "judge", Text("校验通道文本与整体策略", "Judge text and whole policy"), self.judge
            ),
            Step("keep", Text("登记变更申请", "Record the request"), self.keep, self.drop),
        ]

    def judge(self, say: Say) -> None:
        change = self._asked()
        judge(self.site, self.book, change)
        for line in widening(self.book, change):
            say(line)

    def keep(self, say: Say) -> None:
        made = self.book.of_job(self.site.job_id) or self.book.add(self._asked())
        lines = widening(self.book, made)
        self.site.change(lambda session: show(session, made, lines))
        self.site.report(change=made.number, channel=made.channel, digest=made.digest)
        say(f"变更 change {made.number}：等待安全管理员批准 waits for a security administrator")

    def drop(self, _say: Say) -> None:
        made = self.book.of_job(self.site.job_id)
        if made is not None:
            self.book.drop(made.number)
            self.site.change(lambda session: _forget(session, made.number))

    def _asked(self) -> Change:
        action = self.action
        now = self.book.current().get(action.channel)
        return Change(
            number=0, job=self.site.job_id, op=action.op, channel=action.channel,
            base=action.base, text=action.text, before=now.text if now else "",
            reason=action.reason, requester=asker(self.site), requested_at=clock.iso(),
        )  # fmt: skip


def judge(site: Site, book: ChangeBook, change: Change) -> None:
    """Raise unless `change` may be asked for, or approved, now: alone, up to date, and lawful as a whole."""
    pending = book.pending(change.channel)
    if pending is not None and pending.job != change.job:
        raise ChangePending(channel=change.channel, number=pending.number)
    version = book.version(change.channel)
    if version != change.base:
        raise ChangeStale(channel=change.channel, version=version, base=change.base)
    there = change.channel in book.current()
    if change.op != "new" and not there:
        raise NotFound(what="通道 channel", name=change.channel)
    if change.op == "new" and (there or change.channel in module_channels(site)):
        raise ChannelThere(channel=change.channel)
    candidate(site, book, change)


class ChannelThere(ChangeStale):
    """A new channel has the name of one that is there."""

    code = "gateway.channel_there"
    text = Text("通道 {channel} 已存在", "There is a channel {channel} already")
    hint = Text(
        "请换一个名称；模块声明的通道只能随模块变更。",
        "Choose another name; a module's channel changes with the module only.",
    )


def widening(book: ChangeBook, change: Change) -> list[str]:
    """Return what the change opens further, one line each, in both languages."""
    if change.op == "remove":
        return []
    now = book.current().get(change.channel)
    texts = widened(now.read() if now else None, change.read())
    return [f"{text.zh} {text.en}" for text in texts]


def approve(action: ApproveChange, site: Site) -> Sequence[Step]:
    """Put exactly the change that was read in force, if another person asked for it."""
    return _Approval(action, site, ChangeBook(site.settings), Approvals(site)).steps()


@dataclass(frozen=True)
class _Approval:
    action: ApproveChange
    site: Site
    book: ChangeBook
    approvals: Approvals

    def steps(self) -> list[Step]:
        return [
            Step("judge", Text("核对申请与申请人", "Check request and persons"), self.judge),
            Step("open", Text("签发策略并执行", "Sign the policy, put it in force"), self.open, self.close),
        ]  # fmt: skip

    def judge(self, say: Say) -> None:
        change = self._change()
        person = asker(self.site)
        if change.requester == person:
            raise SamePerson(person=person)
        judge(self.site, self.book, change)
        if not self.book.tried(change.number):
            say("此变更未做试运行 this change was approved without a dry run")

    def open(self, say: Say) -> None:
        change = self._change()
        decided = replace(
            change, state="approved", decided_job=self.site.job_id, approver=asker(self.site),
            decided_at=clock.iso(), decision=self.action.comment, version=change.base + 1,
        )  # fmt: skip
        self.book.save(decided)
        self.approvals.enforce(say)
        self.site.change(lambda session: show(session, decided))
        self.site.report(
            change=decided.number, channel=decided.channel, version=decided.version,
            requester=decided.requester, approver=decided.approver,
            dry_run=self.book.tried(decided.number),
        )  # fmt: skip

    def close(self, say: Say) -> None:
        change = self.book.get(self.action.number)
        if change.decided_job != self.site.job_id:
            return
        asked = undecided(change)
        self.book.save(asked)
        self.approvals.enforce(say)
        self.site.change(lambda session: show(session, asked))

    def _change(self) -> Change:
        change = self.book.get(self.action.number)
        if change.state != "pending" and change.decided_job != self.site.job_id:
            raise ChangeDecided(number=change.number, state=change.state)
        if change.digest != self.action.digest:
            raise OtherChange(number=change.number)
        return undecided(change)


def reject(action: RejectChange, site: Site) -> Sequence[Step]:
    """Write the no and its reason into the book."""
    book = ChangeBook(site.settings)

    def do(_say: Say) -> None:
        change = book.get(action.number)
        if change.state != "pending" and change.decided_job != site.job_id:
            raise ChangeDecided(number=change.number, state=change.state)
        decided = replace(
            change, state="rejected", decided_job=site.job_id, approver=asker(site),
            decided_at=clock.iso(), decision=action.comment,
        )  # fmt: skip
        book.save(decided)
        site.change(lambda session: show(session, decided))

    return [Step("reject", Text("驳回变更", "Reject the change"), do)]


def undecided(change: Change) -> Change:
    """Return the change as it was before anybody decided it."""
    return replace(
        change, state="pending", decided_job="", approver="", decided_at="", decision="", version=0
    )


def show(session: Session, change: Change, widens: list[str] | None = None) -> None:
    """Bring the row to what the book says."""
    row = session.get(ChannelChange, change.number)
    if row is None:
        row = ChannelChange(number=change.number, widens=[])
        session.add(row)
    for name in ("channel", "op", "base", "before", "text", "digest", "reason", "state",
                 "requester", "requested_at"):  # fmt: skip
        setattr(row, name, getattr(change, name))
    row.approver, row.decided_at = change.approver or None, change.decided_at or None
    row.decision, row.version = change.decision or None, change.version or None
    row.job_id = change.decided_job or change.job
    if widens is not None:
        row.widens = widens


def _forget(session: Session, number: int) -> None:
    row = session.get(ChannelChange, number)
    if row is not None:
        session.delete(row)

"""Why the worker believes a job row: it derives everything again and refuses what does not match."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit as chain
from appliance.errors import BadInput, Refused, Text
from controller.actions.base import Action
from controller.actions.standing import standing
from controller.jobs.queue import binding
from controller.jobs.states import FINAL
from controller.records.audit import as_entry
from controller.records.tables import AuditEntry, Job

_GONE = "账号或令牌不存在、已停用或已吊销 no such account or token, or it is shut out"
Actions = Mapping[str, type[Action]]


@dataclass(frozen=True)
class Sealed:
    """The last head of the audit chain that the worker itself sealed outside the database."""

    number: int = 0
    head: str = chain.GENESIS


class NotTrusted(Refused):
    """The row is not what its audit entry vouches for; nothing was done."""

    code = "job.not_trusted"
    text = Text("任务记录不可信，已拒绝：{why}", "The job's row is not trusted, refused: {why}")
    hint = Text(
        "数据库可能被人改动：请通知审计管理员核查审计链。",
        "Somebody may have written into the database: have the audit administrator check the chain.",
    )


class NotAllowed(Refused):
    """Whoever asked may not do this now."""

    code = "job.not_allowed"
    text = Text("{actor} 现在无权执行：{why}", "{actor} may not do this now: {why}")
    hint = Text("请由具有相应角色的在用账号重新提交。", "Ask again from an account that may.")


def derive(session: Session, job: Job, actions: Actions, sealed: Sealed) -> Action:
    """Return the job's action if the row is genuine and its actor may do it now.

    Raises `NotTrusted` or `NotAllowed`. Whether it can be done now says `action.ready`, not this.
    """
    action = _action(job, actions)
    _vouched(session, job, action, sealed)
    _not_replayed(session, job)
    _allowed(session, job, action)
    return action


def _action(job: Job, actions: Actions) -> Action:
    kind = actions.get(job.kind)
    if kind is None:
        raise NotTrusted(why=f"unknown kind {job.kind[:40]!r}")
    if not isinstance(job.action, dict):
        raise NotTrusted(why="the action is not an object")
    try:
        action = kind.from_json(job.action)
    except BadInput as error:
        raise NotTrusted(why=str(error)) from error
    if job.object != action.object or job.locks != list(action.locks()):
        raise NotTrusted(why="object or locks are not those of the action")
    return action


def _vouched(session: Session, job: Job, action: Action, sealed: Sealed) -> None:
    row = session.get(AuditEntry, job.audit_number)
    if row is None:
        raise NotTrusted(why="there is no audit entry")
    said = (row.act, row.object, row.actor, row.role, row.outcome)
    if said != (action.kind, action.object, job.actor, job.role, "submitted"):
        raise NotTrusted(why="the audit entry is about something else")
    if f'"sha256":"{binding(job)}"' not in row.detail or f'"job":"{job.id}"' not in row.detail:
        raise NotTrusted(why="the audit entry vouches for another action")
    try:
        _linked(session, row, sealed)
    except chain.ChainBroken as error:
        raise NotTrusted(why=str(error)) from error


def _linked(session: Session, row: AuditEntry, sealed: Sealed) -> None:
    """Verify the part of the chain between this entry and the sealed head, whichever comes first."""
    if row.number > sealed.number:
        first, last, previous = sealed.number + 1, row.number, sealed.head
    else:
        first, last, previous = row.number, sealed.number, row.previous
    span = select(AuditEntry).where(AuditEntry.number.between(first, last))
    rows = session.scalars(span.order_by(AuditEntry.number))
    head = chain.verify((as_entry(each) for each in rows), start=first, previous=previous)
    if row.number <= sealed.number and head != sealed.head:
        raise NotTrusted(why="the audit chain does not lead to the sealed head")


def _not_replayed(session: Session, job: Job) -> None:
    """A job that has ended once must not run again because somebody set its state back."""
    ended = select(AuditEntry.number).where(
        AuditEntry.number > job.audit_number,
        AuditEntry.outcome.in_([str(state) for state in FINAL]),
        AuditEntry.detail.contains(f'"job":"{job.id}"', autoescape=True),
    )
    if session.scalar(ended.limit(1)) is not None:
        raise NotTrusted(why="the job has ended before")


def _allowed(session: Session, job: Job, action: Action) -> None:
    """Derive who asked anew, with the grants and the token of now: what was taken back counts."""
    who = standing(session, job.actor, _asked_at(session, job))
    if who is None:
        raise NotAllowed(actor=job.actor, why=_GONE)
    if who.role != job.role:
        raise NotAllowed(actor=job.actor, why=f"当前角色为 the role is now {who.role}")
    if not who.may(session, action):
        raise NotAllowed(actor=job.actor, why=f"角色或权限不足 not within the rights of {who.role}")


def _asked_at(session: Session, job: Job) -> str:
    """When it was asked, by the audit entry: the chain vouches for it, the row's own word does not count."""
    entry = session.get(AuditEntry, job.audit_number)
    return entry.at if entry is not None else ""

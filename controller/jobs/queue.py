"""Submitting a job: check, wish, job row and audit row in one transaction; and asking to cancel one."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.canonical import canonical, digest
from appliance.errors import Conflict, Forbidden, NotFound, Text
from controller.actions import ACTIONS
from controller.actions.base import Action
from controller.actions.principal import Principal
from controller.actions.role_needed import refusal
from controller.jobs.states import State, advance, over
from controller.records import audit
from controller.records.tables import IdempotencyKey, Job

_KEYS_KEPT = dt.timedelta(days=7)


class OtherBody(Conflict):
    """The `Idempotency-Key` was used for another request."""

    code = "idempotency.mismatch"
    text = Text(
        "该 Idempotency-Key 已用于另一个请求", "This Idempotency-Key was used for another request"
    )
    hint = Text("请为新请求使用新的键。", "Use a new key for a new request.")


class JobOver(Conflict):
    """The job has ended; there is nothing to cancel."""

    code = "job.over"
    text = Text("任务 {number} 已结束", "Job {number} has ended")


@dataclass(frozen=True)
class Idempotency:
    """A client's key for one wish, with the SHA-256 of what it asked (method, path and body)."""

    key: str
    body_digest: str


def submit(
    session: Session,
    principal: Principal,
    action: Action,
    idempotency: Idempotency | None = None,
) -> Job:
    """Record the wish and its job in the caller's transaction; return the job, waiting.

    Raises `Forbidden` when role or limits do not allow it, whatever `action.check` raises, and `OtherBody`. The
    same idempotency key with the same body returns the job that it made the first time.
    """
    if not principal.may(session, action):
        raise refusal(principal.role, action.title().zh, action.roles)
    if idempotency is not None:
        first = earlier(session, principal, idempotency)
        if first is not None:
            return first
    action.check(session)
    job = _row(session, principal, action)
    action.wish(session, job.id)
    own = {"job": job.id, "sha256": binding(job), "via": principal.via}
    detail = canonical({**action.audited(), **own}).decode()
    act = audit.entry(
        principal.actor,
        principal.role,
        action.kind,
        on=action.object,
        outcome="submitted",
        detail=detail,
    )
    job.audit_number = audit.append(session, act).number
    session.add(job)
    session.flush()
    if idempotency is not None:
        _remember(session, principal, idempotency, job.id)
    return job


def binding(job: Job) -> str:
    """SHA-256 over what the audit entry vouches for: who asked for exactly which action."""
    vouched = ("id", "kind", "action", "actor", "role", "locks")
    return digest(canonical({name: getattr(job, name) for name in vouched}))


def cancel(session: Session, principal: Principal, job_id: str) -> Job:
    """Cancel a waiting job at once, or ask the worker to stop a running one between two steps.

    Raises `NotFound`, `Forbidden` (only the one who asked, or who may ask the like) and `JobOver`.
    """
    job = session.get(Job, job_id, with_for_update=True)
    if job is None:
        raise NotFound(what="任务 job", name=job_id)
    kind = ACTIONS.get(job.kind)
    if not _may_cancel(session, principal, job):
        raise Forbidden(role=principal.role, what=f"取消任务 {job.number}")
    if over(job):
        raise JobOver(number=job.number)
    job.cancel_asked = True
    if job.state == State.WAITING:
        advance(job, State.CANCELLED)
        job.finished_at = clock.iso()
        if kind is not None:
            kind.from_json(job.action).forget(session, job.id)
    detail = canonical({"job": job.id, "via": principal.via}).decode()
    act = audit.entry(
        principal.actor,
        principal.role,
        "job.cancel",
        on=f"job/{job.number}",
        outcome=job.state,
        detail=detail,
    )
    audit.append(session, act)
    return job


def _may_cancel(session: Session, principal: Principal, job: Job) -> bool:
    if job.actor == principal.actor:
        return True
    kind = ACTIONS.get(job.kind)
    return kind is not None and principal.may(session, kind.from_json(job.action))


def _row(session: Session, principal: Principal, action: Action) -> Job:
    title = action.titled(session)
    return Job(
        id=chance.new_id(),
        number=(session.scalar(select(func.max(Job.number))) or 0) + 1,
        kind=action.kind,
        action=action.as_json(),
        title_zh=title.zh,
        title_en=title.en,
        object=action.object,
        actor=principal.actor,
        role=str(principal.role),
        locks=list(action.locks()),
        state=str(State.WAITING),
        created_at=clock.iso(),
    )


def earlier(session: Session, principal: Principal, asked: Idempotency) -> Job | None:
    """Return the job that this key made before, None if it made none; raise `OtherBody`."""
    held = session.get(IdempotencyKey, (principal.actor, asked.key))
    if held is None:
        return None
    if held.body_digest != asked.body_digest:
        raise OtherBody
    return session.get(Job, held.job_id)


def _remember(session: Session, principal: Principal, asked: Idempotency, job_id: str) -> None:
    stale = clock.iso(clock.now() - _KEYS_KEPT)
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.at < stale))
    session.add(
        IdempotencyKey(
            account=principal.actor,
            key=asked.key,
            body_digest=asked.body_digest,
            job_id=job_id,
            at=clock.iso(),
        )
    )

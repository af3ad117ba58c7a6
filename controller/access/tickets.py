"""A console session's ticket: given once to who asked, good for one connection within a minute."""

import datetime as dt

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from appliance import chance, clock
from appliance.canonical import canonical, digest
from appliance.errors import Conflict, Forbidden, Text, Unauthenticated
from appliance.secret import Secret
from controller.actions.principal import Principal
from controller.jobs.states import State, over
from controller.records import audit, consoles
from controller.records.cluster import ConsoleSession
from controller.records.session import transaction
from controller.records.tables import Account, Job

GOOD_FOR = 60.0  # seconds
SOCKET = "consoles.sock"  # where shells of the box connect, below its run folder


class ConsoleNotReady(Conflict):
    """The worker has not opened the console yet."""

    code = "console.not_ready"
    text = Text("控制台正在打开", "The console is being opened")
    hint = Text("请稍候。", "Wait a moment.")


class ConsoleOver(Conflict):
    """The session is over, or never came about; a new one must be asked for."""

    code = "console.over"
    text = Text("该控制台会话已结束：{why}", "This console session is over: {why}")
    hint = Text("请重新打开控制台。", "Open the console again.")


class BadTicket(Unauthenticated):
    """The ticket is unknown, was used, or came too late."""

    code = "console.bad_ticket"
    text = Text("控制台凭据无效或已过期", "The console's ticket is not good (any more)")
    hint = ConsoleOver.hint


def issue(engine: Engine, principal: Principal, session_id: str) -> Secret:
    """Return a fresh ticket of a session that waits for its connection; an earlier one is void.

    Raises `NotFound`, `Forbidden` (another one's session), `ConsoleNotReady` and `ConsoleOver`.
    """
    with transaction(engine) as session:
        row = consoles.get(session, session_id)
        job = session.get(Job, row.job_id)
        if job is None or job.actor != principal.actor:
            raise Forbidden(role=principal.role, what=f"控制台会话 {session_id[:8]}")
        if not over(job):
            raise ConsoleNotReady
        if job.state != State.SUCCEEDED or row.state != "asked":
            raise ConsoleOver(why=row.why or row.state)
        ticket = chance.token()
        row.ticket_hash = _hash(ticket)
        row.ticket_until = clock.iso(clock.now() + dt.timedelta(seconds=GOOD_FOR))
    return Secret(ticket)


def redeem(engine: Engine, ticket: str, peer: str, *, account: str | None = None) -> ConsoleSession:
    """Open the session that the ticket is for; the ticket is used up. `peer` says from where.

    `account` is who is logged in at the other end, None where the ticket alone must do (the box's own
    socket). Raises `BadTicket`, always the same, whatever the reason.
    """
    with transaction(engine) as session:
        held = _hash(ticket)
        row = session.scalar(select(ConsoleSession).where(ConsoleSession.ticket_hash == held))
        if row is None or row.state != "asked" or (row.ticket_until or "") < clock.iso():
            raise BadTicket
        if account not in (None, row.account) or not _may(session, row.account):
            raise BadTicket
        row.ticket_hash = row.ticket_until = None
        row.state, row.opened_at, row.peer = "open", clock.iso(), peer[:64]
        _note(session, row, "console.open", {"peer": row.peer})
        return row


def finish(engine: Engine, session_id: str, state: str, why: str, counted: tuple[int, int]) -> None:
    """Record how a session ended and what passed: bytes from the viewer and to the viewer."""
    with transaction(engine) as session:
        row = session.get(ConsoleSession, session_id)
        if row is None:
            return
        row.bytes_in, row.bytes_out = counted
        if row.state in consoles.LIVING:
            row.state, row.why = state, why
        row.closed_at = row.closed_at or clock.iso()
        row.ticket_hash = row.ticket_until = None
        told = {"why": row.why, "bytes_in": row.bytes_in, "bytes_out": row.bytes_out}
        _note(session, row, "console.close", {**told, "seconds": _seconds(row)})


def cut(session: Session, principal: Principal, session_id: str) -> ConsoleSession:
    """End somebody's session at once, with an audit entry; raises `NotFound` and `ConsoleOver`.

    Whoever holds the connection looks at the row every second and ends it.
    """
    row = consoles.get(session, session_id)
    if row.state not in consoles.LIVING:
        raise ConsoleOver(why=row.why or row.state)
    row.state, row.closed_at = "closed", clock.iso()
    row.why = f"由 {principal.actor} 断开 cut by {principal.actor}"
    row.ticket_hash = row.ticket_until = None
    detail = canonical({"session": row.id, "of": row.account, "via": principal.via}).decode()
    act = audit.entry(
        principal.actor,
        principal.role,
        "console.cut",
        on=f"vm/{row.vm_id}",
        outcome="done",
        detail=detail,
    )
    audit.append(session, act)
    return row


def sweep(engine: Engine, *, older: float, abandoned: bool = False) -> None:
    """Close what nobody came for within `older` seconds; `abandoned`: also what counts as open.

    The latter is for whoever holds the connections, at its start: then it holds none.
    """
    limit = clock.iso(clock.now() - dt.timedelta(seconds=older))
    with transaction(engine) as session:
        for row in consoles.many(session, living=True, limit=1000):
            if row.state == "asked" and row.asked_at < limit:
                row.state, row.why = "expired", "无人连接 nobody connected"
            elif row.state == "open" and abandoned:
                row.state, row.why = "closed", "控制台服务重启 the console service restarted"
            else:
                continue
            row.closed_at, row.ticket_hash, row.ticket_until = clock.iso(), None, None
            _note(session, row, "console.close", {"why": row.why})


def _note(session: Session, row: ConsoleSession, act: str, told: dict[str, object]) -> None:
    role = session.scalar(select(Account.role).where(Account.name == _person(row.account)))
    detail = canonical({"session": row.id, "what": row.kind, **told}).decode()
    entry = audit.entry(
        row.account or "unknown",
        role or "none",
        act,
        on=f"vm/{row.vm_id}",
        outcome="done",
        detail=detail,
    )
    audit.append(session, entry)


def _may(session: Session, actor: str) -> bool:
    account = session.scalar(select(Account).where(Account.name == _person(actor)))
    return account is not None and not account.disabled


def _person(actor: str) -> str:
    """An API token acts as `owner/token`: the account is the owner's."""
    return actor.partition("/")[0]


def _seconds(row: ConsoleSession) -> float:
    began = clock.read_iso(row.opened_at or row.asked_at)
    return round((clock.now() - began).total_seconds(), 1)


def _hash(ticket: str) -> str:
    return digest(ticket.encode())

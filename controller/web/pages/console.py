"""A machine's console in the browser: asked for, shown full-size, its ticket fetched by the page itself."""

import re
from urllib.parse import urlsplit

from flask import jsonify, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Forbidden
from controller.access import reach, tickets
from controller.actions.base import Role
from controller.actions.consoles import OpenConsole
from controller.records import consoles
from controller.records.cluster import ConsoleSession
from controller.records.session import transaction
from controller.records.tables import Job
from controller.web.desk import Desk, text
from controller.web.facts import jobs
from controller.web.route import OWNERS, READERS, Route
from controller.web.status import status_of

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")


def ask(desk: Desk, vm_id: str) -> ResponseReturnValue:
    """Ask for a console and go to its page, which waits for the worker."""
    job_id = desk.submit(OpenConsole(vm_id, new_id(), text("what")))
    with desk.records() as session:
        job = session.get(Job, job_id)
        session_id = job.action["session_id"] if job else ""
    return redirect(f"/consoles/{session_id}", 303)


def show(desk: Desk, session_id: str) -> ResponseReturnValue:
    """Show the console to whoever asked for it."""
    with desk.records() as session:
        row = _own(session, desk, session_id)
    request.environ["hbox.connect"] = _line(desk)
    return desk.render("console.html", console=row, line=_line(desk))


def ticket(desk: Desk, session_id: str) -> ResponseReturnValue:
    """Answer the page's own question: a ticket, or why there is none (yet)."""
    try:
        given = tickets.issue(desk.engine, desk.principal, session_id)
    except tickets.ConsoleNotReady as error:
        return jsonify({"waits": error.message.as_dict()}), 202
    except BoxError as error:
        return jsonify({"error": _told(desk, session_id, error)}), status_of(error)
    return jsonify({"ticket": given.reveal()})


def many(desk: Desk) -> ResponseReturnValue:
    """List who looked at which machine."""
    with desk.records() as session:
        rows = consoles.many(session, limit=200)
    return desk.render(
        "consoles.html", rows=rows, may_cut=desk.principal.role in CUTTERS, elapsed=jobs.elapsed
    )


def cut(desk: Desk, session_id: str) -> ResponseReturnValue:
    """End somebody's session."""
    with transaction(desk.engine) as session:
        tickets.cut(session, desk.principal, session_id)
    return redirect("/consoles", 303)


def _own(session: Session, desk: Desk, session_id: str) -> ConsoleSession:
    row = consoles.get(session, session_id)
    job = session.get(Job, row.job_id)
    if job is None or job.actor != desk.principal.actor:
        raise Forbidden(role=desk.principal.role, what=f"控制台会话 {session_id[:8]}")
    reach.see(session, desk.principal, f"vm/{row.vm_id}")
    return row


def _told(desk: Desk, session_id: str, error: BoxError) -> dict[str, object]:
    """What went wrong: what the job itself says where it failed."""
    with desk.records() as session:
        row = session.get(ConsoleSession, session_id)
        job = session.get(Job, row.job_id) if row is not None else None
    return job.error if job is not None and job.error else error.as_dict()


def _line(desk: Desk) -> str:
    """Where the WebSocket is: on this host, as far from the console's port as the settings say."""
    bad = BadInput(what="Host", why="不是主机名 not a host name")
    try:
        asked = urlsplit(f"//{request.host}")
        port = asked.port or 443
    except ValueError as error:
        raise bad from error
    host = asked.netloc.removesuffix(f":{asked.port}")
    if not _HOST.fullmatch(host):
        raise bad
    return f"wss://{host}:{port + desk.settings.screen_port - desk.settings.console_port}"


CUTTERS = READERS - {Role.AUDITOR}
ROUTES = (
    Route("/vms/<vm_id>/console", ask, OWNERS, "POST"),
    Route("/consoles", many, READERS),
    Route("/consoles/<session_id>", show, OWNERS),
    Route("/consoles/<session_id>/ticket", ticket, OWNERS, "POST"),
    Route("/consoles/<session_id>/cut", cut, CUTTERS, "POST"),
)

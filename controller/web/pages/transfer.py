"""One transfer, a look into its body (for a reason, audited, once), and the export of what was searched."""

import json

from flask import redirect, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from appliance.errors import BadInput, Forbidden, NotFound, Text
from appliance.onetime import Opener
from controller.actions.fields import ID
from controller.actions.supervision import ExportTransfers, LookBody
from controller.records import gateway as records
from controller.records.exchange import Transfer
from controller.records.tables import Job
from controller.web.desk import Desk, text, ticked
from controller.web.facts.search import Search
from controller.web.openers import OPENERS
from controller.web.route import READERS, Route

_FORMS = {"csv": "text/csv", "json": "application/json", "sig": "application/json"}


class LookGone(NotFound):
    """The look was opened before, is older than ten minutes, or the console began anew since."""

    code = "gateway.look_gone"
    text = Text("正文已被查看过或已过期", "It was opened before, or its time is over")
    hint = Text("如仍需查看，请重新申请。", "Ask for another look if you still need it.")


def one(desk: Desk, number: str) -> ResponseReturnValue:
    """Show one transfer in full."""
    with desk.records() as session:
        found = session.get(Transfer, int(number)) if number.isdigit() else None
        return desk.render(
            "transfer.html",
            transfer=found,
            number=number,
            names=records.names(session),
            may_look=desk.may(LookBody),
        )


def ask(desk: Desk, number: str) -> ResponseReturnValue:
    """Ask for a look; what comes of it is sealed for a key that only this process holds."""
    if not number.isdigit():
        raise BadInput(what="number", why="不是编号 not a number")
    opener = Opener()
    action = LookBody(int(number), text("part"), ticked("clear"), text("reason"), opener.public)
    job = desk.submit(action)
    OPENERS.keep(job, desk.principal.name, opener)
    return redirect(f"/gateway/looks/{job}", 303)


def look(desk: Desk, look_id: str) -> ResponseReturnValue:
    """Show how far the look is, and the button that opens it, once."""
    with desk.records() as session:
        job = _own(desk, session, look_id, LookBody.kind)
    return desk.render("look.html", job=job, ready=OPENERS.waits(job.id, desk.principal.name))


def look_live(desk: Desk, look_id: str) -> ResponseReturnValue:
    """Return the part that changes."""
    with desk.records() as session:
        job = _own(desk, session, look_id, LookBody.kind)
    return desk.render("_look.html", job=job, ready=OPENERS.waits(job.id, desk.principal.name))


def open_look(desk: Desk, look_id: str) -> ResponseReturnValue:
    """Show the body; the key is forgotten with it."""
    with desk.records() as session:
        job = _own(desk, session, look_id, LookBody.kind)
    path = desk.settings.state / "looks" / f"{job.id}.sealed"
    opener = OPENERS.take(job.id, desk.principal.name) if path.is_file() else None
    if opener is None:
        raise LookGone(what="look", name=job.id)
    told = json.loads(opener.open(path.read_bytes(), f"hbox gateway look {job.id}"))
    return desk.render("look_open.html", job=job, told=told)


def export(desk: Desk) -> ResponseReturnValue:
    """Ask for the export of what was searched."""
    wanted = Search.of(request.form.to_dict()).wanted()
    return redirect(f"/gateway/exports/{desk.submit(ExportTransfers.of(wanted))}", 303)


def export_page(desk: Desk, export_id: str) -> ResponseReturnValue:
    """Show how far the export is, then its files."""
    with desk.records() as session:
        job = _job(session, export_id, ExportTransfers.kind)
    return desk.render("export.html", job=job)


def export_live(desk: Desk, export_id: str) -> ResponseReturnValue:
    """Return the part that changes."""
    with desk.records() as session:
        job = _job(session, export_id, ExportTransfers.kind)
    return desk.render("_export.html", job=job)


def download(desk: Desk, export_id: str, form: str) -> ResponseReturnValue:
    """Hand out one file of an export."""
    path = desk.settings.state / "reports" / "exports" / f"{export_id}.{form}"
    if not ID.fullmatch(export_id) or form not in _FORMS or not path.is_file():
        raise NotFound(what="导出 export", name=export_id[:40])
    name = f"hbox-transfers-{export_id[:8]}.{form}"
    return send_file(path, mimetype=_FORMS[form], as_attachment=True, download_name=name)


def _job(session: Session, job_id: str, kind: str) -> Job:
    job = session.get(Job, job_id)
    if job is None or job.kind != kind:
        raise NotFound(what="任务 job", name=job_id[:40])
    return job


def _own(desk: Desk, session: Session, job_id: str, kind: str) -> Job:
    job = _job(session, job_id, kind)
    if job.actor != desk.principal.name:
        raise Forbidden(role=desk.principal.role.value, what=f"look {job_id[:40]}")
    return job


_LOOKERS, _EXPORTERS = LookBody.roles, ExportTransfers.roles

ROUTES = (
    Route("/gateway/transfers/<number>", one, READERS),
    Route("/gateway/transfers/<number>/look", ask, _LOOKERS, "POST"),
    Route("/gateway/looks/<look_id>", look, _LOOKERS),
    Route("/gateway/looks/<look_id>/live", look_live, _LOOKERS),
    Route("/gateway/looks/<look_id>/open", open_look, _LOOKERS, "POST"),
    Route("/gateway/export", export, _EXPORTERS, "POST"),
    Route("/gateway/exports/<export_id>", export_page, _EXPORTERS),
    Route("/gateway/exports/<export_id>/live", export_live, _EXPORTERS),
    Route("/gateway/exports/<export_id>.<form>", download, _EXPORTERS),
)

"""Transfers: search, show, export signed files, look into a body under audit."""

import base64
from pathlib import Path

from flask import Response

from appliance.errors import Forbidden, NotFound, Text, Unavailable
from controller.actions.fields import ID
from controller.actions.supervision import ExportTransfers, LookBody
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.supervision import (
    ExportForm,
    ExportIn,
    LookIn,
    LookOut,
    TransferFilter,
    TransferOut,
)
from controller.records import gateway, jobs

_KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json", "sig": "application/json"}


@route(
    Form(
        "GET",
        "/api/v1/gateway/transfers",
        Text("查找网关传输记录", "Search what met the gateway"),
        READERS,
        answer=Items[TransferOut],
        query=TransferFilter,
    )
)
def transfers(call: Call) -> Answer:
    """Answer with transfers, newest first."""
    asked = call.asked(TransferFilter)
    found = call.read(lambda session: gateway.transfers(session, asked.wanted()))
    more = found[-1].number if len(found) == asked.limit else None
    items = [TransferOut.model_validate(row) for row in found]
    return Answer(Items[TransferOut](items=items, next=more))


@route(
    Form(
        "GET",
        "/api/v1/gateway/transfers/<number>",
        Text("查看一条传输记录", "Show a transfer"),
        READERS,
        answer=TransferOut,
    )
)
def show_transfer(call: Call, number: str) -> Answer:
    """Answer with one transfer."""
    return Answer(
        TransferOut.model_validate(call.read(lambda session: gateway.one(session, _whole(number))))
    )


@route(
    Form(
        "POST",
        "/api/v1/gateway/exports",
        Text("导出传输记录", "Export transfers"),
        ExportTransfers.roles,
        body=ExportIn,
        answer=JobOut,
        status=202,
    )
)
def export_transfers(call: Call) -> Answer:
    """Submit an export of what the same search finds."""
    return call.submit(ExportTransfers.of(call.json(ExportIn).wanted()))


@route(
    Form(
        "GET",
        "/api/v1/gateway/exports/<job>",
        Text("下载导出文件", "Download a file of an export"),
        ExportTransfers.roles,
        query=ExportForm,
        gives=("text/csv", "application/json"),
    )
)
def download_export(call: Call, job: str) -> Answer:
    """Answer with one file of the export that the job `job` made."""
    form = call.asked(ExportForm).form
    path = export_file(call.settings.state, job, form)
    headers = {"Content-Disposition": f'attachment; filename="hbox-transfers-{job}.{form}"'}
    return Answer(Response(path.read_bytes(), content_type=_KINDS[form]), headers=headers)


def export_file(state: Path, job: str, form: str) -> Path:
    """Return where the worker put a file of an export; raises `NotFound`."""
    path = state / "reports" / "exports" / f"{job}.{form}"
    if not ID.fullmatch(job) or form not in _KINDS or not path.is_file():
        raise NotFound(what="导出 export", name=job[:40])
    return path


@route(
    Form(
        "POST",
        "/api/v1/gateway/transfers/<number>/look",
        Text("查看正文（须说明理由，记入审计）", "Look into a body: for a reason, audited"),
        LookBody.roles,
        body=LookIn,
        answer=JobOut,
        status=202,
    )
)
def look(call: Call, number: str) -> Answer:
    """Submit a look; its outcome is sealed for the key given."""
    asked = call.json(LookIn)
    return call.submit(
        LookBody(_whole(number), asked.part, asked.clear, asked.reason, asked.public_key)
    )


@route(
    Form(
        "GET",
        "/api/v1/gateway/looks/<job>",
        Text("领取已加密的正文", "Fetch a sealed look"),
        LookBody.roles,
        answer=LookOut,
    )
)
def fetch_look(call: Call, job: str) -> Answer:
    """Answer with what was sealed for the asker; only the asker gets it, and only the key opens it."""
    row = call.read(lambda session: jobs.get(session, job))
    if row.kind != LookBody.kind or row.actor != call.principal.actor:
        raise Forbidden(role=call.principal.role, what=f"look {job[:40]}")
    path = call.settings.state / "looks" / f"{row.id}.sealed"
    if not path.is_file():
        raise Unavailable(
            what="正文 the look", why="尚未完成或已超过十分钟 not ready, or older than ten minutes"
        )
    sealed = base64.b64encode(path.read_bytes()).decode()
    return Answer(LookOut(sealed=sealed, purpose=f"hbox gateway look {row.id}"))


def _whole(number: str) -> int:
    if not number.isascii() or not number.isdigit() or len(number) > 15:
        raise NotFound(what="传输 transfer", name=number[:40])
    return int(number)

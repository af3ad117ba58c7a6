"""The scanner's virus signatures: what is in use, and bringing newer ones in."""

import datetime as dt
from pathlib import Path

from flask import request

from appliance import clock
from appliance.errors import Text
from controller.actions.signatures import FILE, LIMIT, ImportSignatures
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.signatures import (
    SignaturesIn,
    SignaturesOut,
    SignaturesUploadOut,
)
from controller.jobs import uploads

TYPE = "application/vnd.hbox.signatures"
_HEAD = 512  # bytes; the head of a .cvd: ClamAV-VDB:built:version:signatures:…


@route(
    Form(
        "GET",
        "/api/v1/gateway/signatures",
        Text("列出病毒库", "List the virus signatures"),
        READERS,
        answer=Items[SignaturesOut],
    )
)
def list_signatures(call: Call) -> Answer:
    """Answer with the files that the scanner reads, by name."""
    folder = call.settings.state / "signatures"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [_facts(file) for file in files if FILE.fullmatch(file.name)]
    return Answer(Items[SignaturesOut](items=found))


@route(
    Form(
        "POST",
        "/api/v1/gateway/signatures/uploads",
        Text("上传病毒库文件", "Hand in a file of signatures"),
        ImportSignatures.roles,
        answer=SignaturesUploadOut,
        status=201,
        takes=TYPE,
    )
)
def upload_signatures(call: Call) -> Answer:
    """Stream the body to disk; nothing is believed before the worker."""
    held = uploads.store(request.stream, call.settings.state / "uploads", LIMIT)
    return Answer(SignaturesUploadOut(upload=held.name, digest=held.digest, size=held.size), 201)


@route(
    Form(
        "POST",
        "/api/v1/gateway/signatures",
        Text("导入病毒库", "Take signatures that were handed in"),
        ImportSignatures.roles,
        answer=JobOut,
        body=SignaturesIn,
        status=202,
    )
)
def import_signatures(call: Call) -> Answer:
    """Submit the import."""
    asked = call.json(SignaturesIn)
    uploads.find(call.settings.state / "uploads", asked.upload)
    return call.submit(ImportSignatures(asked.name, asked.upload, asked.digest))


def _facts(file: Path) -> SignaturesOut:
    facts, parts = file.stat(), []
    if file.suffix == ".cvd":
        with file.open("rb") as opened:
            parts = opened.read(_HEAD).decode("ascii", "replace").split(":")
    at = dt.datetime.fromtimestamp(facts.st_mtime, dt.UTC)
    return SignaturesOut(
        name=file.name,
        size=facts.st_size,
        signed=file.suffix == ".cvd",
        taken_at=clock.iso(at),
        built=parts[1] if len(parts) > 3 else "",
        version=parts[2] if len(parts) > 3 else "",
        count=parts[3] if len(parts) > 3 else "",
    )

"""Templates: hand in an image, import it, list, show, check, remove."""

import json
import shutil
from pathlib import Path
from typing import Any

from flask import request

from appliance import chance
from appliance.errors import Text, TooLarge
from controller.actions import fields
from controller.actions.base import Role
from controller.actions.templates import BUILT_IN, CheckTemplate, ImportTemplate, RemoveTemplate
from controller.api.body import stated_within
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.templates import ImageUploadOut, TemplateIn, TemplateOut
from controller.jobs import uploads
from controller.records import templates
from controller.records.cluster import Template

IMAGE = "application/octet-stream"
LIMIT = 64 * 1024**3  # bytes
_RESERVE = 4 * 1024**3  # bytes that an upload leaves free: the records lie on the same disk
_GUEST_BASE = Path("/usr/share/hbox/images/guest-base/image.json")


@route(
    Form(
        "GET",
        "/api/v1/templates",
        Text("列出模板", "List the templates"),
        READERS | {Role.TENANT},
        answer=Items[TemplateOut],
    )
)
def list_templates(call: Call) -> Answer:
    """Answer with the built-in template and all others, by name."""
    rows = call.read(templates.many)
    return Answer(Items[TemplateOut](items=[_built_in(), *(_shown(row) for row in rows)]))


@route(
    Form(
        "GET",
        "/api/v1/templates/<template>",
        Text("查看模板", "Show a template"),
        READERS | {Role.TENANT},
        answer=TemplateOut,
    )
)
def show_template(call: Call, template: str) -> Answer:
    """Answer with one template: by id, name, or NAME:VERSION."""
    if template == BUILT_IN:
        return Answer(_built_in())
    return Answer(_shown(call.read(lambda session: templates.get(session, template))))


@route(
    Form(
        "POST",
        "/api/v1/templates/uploads",
        Text("上传模板镜像", "Hand in an image for a template"),
        ImportTemplate.roles,
        answer=ImageUploadOut,
        status=201,
        takes=IMAGE,
    )
)
def upload_image(call: Call) -> Answer:
    """Stream the body to disk; nothing of it is looked at here."""
    folder = call.settings.state / "uploads"
    limit = min(LIMIT, shutil.disk_usage(folder).free - _RESERVE)
    if limit <= 0:
        raise TooLarge(what="上传文件 upload", limit=0)
    stated_within(request, limit)
    held = uploads.store(request.stream, folder, limit, kind="img")
    return Answer(ImageUploadOut(upload=held.name, digest=held.digest, size=held.size), 201)


@route(
    Form(
        "POST",
        "/api/v1/templates",
        Text("导入模板", "Import a template"),
        ImportTemplate.roles,
        answer=JobOut,
        body=TemplateIn,
        status=202,
    )
)
def import_template(call: Call) -> Answer:
    """Submit the import of an image handed in before."""
    asked = call.json(TemplateIn)
    uploads.find(call.settings.state / "uploads", asked.upload, fields.IMAGE_UPLOAD)
    wanted = (asked.name, asked.version, asked.upload, asked.digest, asked.boot)
    return call.submit(ImportTemplate(chance.new_id(), *wanted))


@route(
    Form(
        "POST",
        "/api/v1/templates/<template>/check",
        Text("校验模板", "Check a template"),
        CheckTemplate.roles,
        answer=JobOut,
        status=202,
    )
)
def check_template(call: Call, template: str) -> Answer:
    """Submit the check."""
    return call.submit(lambda session: CheckTemplate(templates.get(session, template).id))


@route(
    Form(
        "DELETE",
        "/api/v1/templates/<template>",
        Text("移除模板", "Remove a template"),
        RemoveTemplate.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_template(call: Call, template: str) -> Answer:
    """Submit the removal."""
    return call.submit(lambda session: RemoveTemplate(templates.get(session, template).id))


def _shown(row: Template) -> TemplateOut:
    columns = (column.name for column in Template.__table__.columns)
    return TemplateOut(**{name: getattr(row, name) for name in columns}, built_in=False)


def _built_in() -> TemplateOut:
    """What is in the box's own image, and as sound as that image is."""
    facts: dict[str, Any] = {}
    if _GUEST_BASE.exists():
        facts = json.loads(_GUEST_BASE.read_bytes())
    return TemplateOut(
        id=BUILT_IN,
        name=BUILT_IN,
        version=str(facts.get("key", "")),
        source="built-in",
        digest=str(facts.get("sha256", {}).get("disk.qcow2", "")),
        signer="",
        signature="",
        format="qcow2",
        boot="kernel",
        size_mib=0,
        state="ready",
        checked_at=None,
        job_id="",
        created_at=str(facts.get("made", "")),
        built_in=True,
    )

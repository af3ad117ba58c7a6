"""Modules: list, show, hand in a bundle, install, approve, remove; and the keys that are trusted."""

from pathlib import Path

from flask import request

from appliance.errors import BoxError, Text
from appliance.sdk import archive, manifest
from appliance.sdk.errors import Malformed
from controller.actions.base import Role
from controller.actions.modules import ApproveModule, InstallModule, RemoveModule, TrustVendor
from controller.api.body import stated_within
from controller.api.call import Answer, Call
from controller.api.route import INSIDERS, READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.modules import (
    ApproveIn,
    InstallIn,
    KeyOut,
    ModuleOut,
    TrustIn,
    UploadOut,
)
from controller.jobs import uploads
from controller.records import modules, vms

BUNDLE = "application/vnd.hbox.module"


@route(
    Form(
        "GET",
        "/api/v1/modules",
        Text("列出模块", "List the modules"),
        INSIDERS,
        answer=Items[ModuleOut],
    )
)
def list_modules(call: Call) -> Answer:
    """Answer with the modules by id; a vendor's own only for a vendor."""
    found = call.read(lambda session: modules.many(session, vendor=_scope(call)))
    return Answer(Items[ModuleOut](items=[ModuleOut.of(module) for module in found]))


@route(
    Form(
        "GET",
        "/api/v1/modules/<module>",
        Text("查看模块", "Show a module"),
        INSIDERS,
        answer=ModuleOut,
    )
)
def show_module(call: Call, module: str) -> Answer:
    """Answer with one module."""
    found = call.read(lambda session: modules.get(session, module))
    call.only_vendor(found.vendor, f"module/{module}")
    return Answer(ModuleOut.of(found))


@route(
    Form(
        "POST",
        "/api/v1/uploads",
        Text("上传模块文件", "Hand in a module bundle"),
        InstallModule.roles,
        answer=UploadOut,
        status=201,
        takes=BUNDLE,
    )
)
def upload_bundle(call: Call) -> Answer:
    """Stream the body to disk and say what it claims to be; nothing is believed before the worker."""
    folder = call.settings.state / "uploads"
    stated_within(request, call.settings.module_limit)
    held = uploads.store(request.stream, folder, call.settings.module_limit)
    try:
        claimed = _peek(folder / held.name, call.settings.module_limit)
    except BoxError:
        (folder / held.name).unlink(missing_ok=True)
        raise
    shown = UploadOut(
        upload=held.name,
        digest=held.digest,
        size=held.size,
        module_id=claimed.id,
        version=claimed.version,
    )
    return Answer(shown, 201)


@route(
    Form(
        "POST",
        "/api/v1/modules",
        Text("安装模块", "Install a module"),
        InstallModule.roles,
        answer=JobOut,
        body=InstallIn,
        status=202,
    )
)
def install_module(call: Call) -> Answer:
    """Submit the installation of a bundle handed in before."""
    asked = call.json(InstallIn)
    uploads.find(call.settings.state / "uploads", asked.upload)
    vm_id = call.read(lambda session: vms.get(session, asked.vm).id)
    return call.submit(InstallModule(asked.module_id, vm_id, asked.upload, asked.digest))


@route(
    Form(
        "POST",
        "/api/v1/modules/<module>/approve",
        Text("批准模块的数据流", "Approve a module's data flows"),
        ApproveModule.roles,
        answer=JobOut,
        body=ApproveIn,
        status=202,
    )
)
def approve_module(call: Call, module: str) -> Answer:
    """Submit the approval of exactly the bundle that was looked at."""
    return call.submit(ApproveModule(module, call.json(ApproveIn).digest))


@route(
    Form(
        "DELETE",
        "/api/v1/modules/<module>",
        Text("移除模块", "Remove a module"),
        RemoveModule.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_module(call: Call, module: str) -> Answer:
    """Submit the removal."""
    return call.submit(RemoveModule(module))


@route(
    Form(
        "GET",
        "/api/v1/vendor-keys",
        Text("列出受信任的厂商密钥", "List the vendor keys that are trusted"),
        READERS,
        answer=Items[KeyOut],
    )
)
def list_keys(call: Call) -> Answer:
    """Answer with the keys by vendor."""
    found = call.read(modules.keys)
    return Answer(Items[KeyOut](items=[KeyOut.model_validate(key) for key in found]))


@route(
    Form(
        "POST",
        "/api/v1/vendor-keys",
        Text("信任厂商密钥", "Trust a vendor's key"),
        TrustVendor.roles,
        answer=JobOut,
        body=TrustIn,
        status=202,
    )
)
def trust_vendor(call: Call) -> Answer:
    """Submit the trust."""
    asked = call.json(TrustIn)
    return call.submit(TrustVendor(asked.vendor, asked.pem, ",".join(asked.ids)))


def _scope(call: Call) -> str | None:
    return call.principal.vendor if call.principal.role is Role.VENDOR else None


def _peek(path: Path, limit: int) -> manifest.Manifest:
    walked = archive.walk(path, limit)
    member = walked.named("module.toml")
    if member is None:
        raise Malformed(why_zh="缺少 module.toml", why_en="module.toml is missing")
    return manifest.parse(archive.content(path, member))

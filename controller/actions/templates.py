"""What may be asked about templates: import, check, remove."""

import re
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BadInput, Conflict, NotFound, Text
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.records.cluster import Template
from controller.records.tables import Vm

BUILT_IN = "guest-base"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~-]{0,31}")
BOOTS = ("disk", "kernel")


class TemplateTaken(Conflict):
    """There is a template of this name and version."""

    code = "template.taken"
    text = Text("模板 {name} {version} 已存在", "The template {name} {version} exists already")
    hint = Text("请使用新的版本号。", "Use a new version.")


class TemplateGone(NotFound):
    """There is no such template."""

    code = "template.not_found"


class TemplateInUse(Conflict):
    """Machines rest on the template."""

    code = "template.in_use"
    text = Text(
        "以下虚拟机由模板 {name} 创建：{vms}", "Machines rest on the template {name}: {vms}"
    )
    hint = Text("请先删除这些虚拟机。", "Delete those machines first.")


class TemplateBusy(Conflict):
    """The template is being taken in or removed."""

    code = "template.busy"
    text = Text("模板 {name} 当前为 {state}", "The template {name} is {state} now")
    hint = Text("请等待正在处理它的任务结束。", "Wait for the job that works on it to end.")


@dataclass(frozen=True)
class ImportTemplate(Action):
    """Take an uploaded disk image (qcow2 or raw) in as a template: examined, rewritten, signed."""

    template_id: str
    name: str
    version: str
    upload: str
    digest: str
    boot: str

    kind: ClassVar[str] = "template.import"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text(
        "导入模板 {name} {version}", "Import the template {name} {version}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"template/{self.template_id}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("template_id", self.template_id, fields.ID)
        fields.matches("name", self.name, fields.NAME)
        fields.matches("version", self.version, VERSION)
        fields.matches("upload", self.upload, fields.IMAGE_UPLOAD)
        fields.matches("digest", self.digest, fields.DIGEST)
        fields.one_of("boot", self.boot, BOOTS)
        if self.name == BUILT_IN:
            raise BadInput(what="name", why=f"{BUILT_IN} 为内置模板 is the built-in one")

    def audited(self) -> dict[str, str]:
        """See `Action.audited`."""
        return {"upload_sha256": self.digest}

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        same = (Template.name == self.name, Template.version == self.version)
        if session.scalar(select(Template.id).where(*same)) is not None:
            raise TemplateTaken(name=self.name, version=self.version)

    def wish(self, session: Session, job_id: str) -> None:
        """Record the template as being taken in; nothing can be made from it yet."""
        session.add(
            Template(
                id=self.template_id,
                name=self.name,
                version=self.version,
                source=f"upload {self.digest}",
                digest=self.digest,
                signer="",
                signature="",
                format="",
                boot=self.boot,
                size_mib=0,
                state="importing",
                job_id=job_id,
                created_at=clock.iso(),
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = find(session, self.template_id)
        held = (row.name, row.version, row.digest, row.boot, row.job_id)
        if held != (self.name, self.version, self.digest, self.boot, job_id):
            raise Conflict(why=f"the record of {self.name} is not what this job wished")

    def forget(self, session: Session, job_id: str) -> None:
        """Free name and version; only of a template that this job wished and that never was ready."""
        row = session.get(Template, self.template_id)
        if row is not None and row.job_id == job_id and row.state == "importing":
            session.delete(row)


@dataclass(frozen=True)
class _OneTemplate(Action):
    """Base of what is asked about a template that is there."""

    template_id: str

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"template/{self.template_id}"

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("template_id", self.template_id, fields.ID)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        row = find(session, self.template_id)
        return self.sentence.filled({"template_id": f"{row.name} {row.version}"})

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        row = find(session, self.template_id)
        if row.state not in ("ready", "changed"):
            raise TemplateBusy(name=row.name, state=row.state)


@dataclass(frozen=True)
class CheckTemplate(_OneTemplate):
    """Compute the template's SHA-256 anew, wherever a copy of it lies; a changed one is never used."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM, Role.SECURITY})
    kind: ClassVar[str] = "template.check"
    sentence: ClassVar[Text] = Text("校验模板 {template_id}", "Check the template {template_id}")


@dataclass(frozen=True)
class RemoveTemplate(_OneTemplate):
    """Remove a template from every storage; no machine may rest on it."""

    kind: ClassVar[str] = "template.remove"
    sentence: ClassVar[Text] = Text("移除模板 {template_id}", "Remove the template {template_id}")

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        self._unused(session)

    def wish(self, session: Session, job_id: str) -> None:
        """No machine is made from it from now on."""
        row = find(session, self.template_id)
        row.state, row.job_id = "removing", job_id

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row = find(session, self.template_id)
        if row.job_id != job_id or row.state != "removing":
            raise Conflict(why=f"the record of {row.name} is not what this job wished")
        self._unused(session)

    def forget(self, session: Session, job_id: str) -> None:
        """It stays, and must be checked before it is used again."""
        row = session.get(Template, self.template_id)
        if row is not None and row.job_id == job_id and row.state == "removing":
            row.state = "changed"

    def _unused(self, session: Session) -> None:
        resting = select(Vm.name).where(Vm.template_id == self.template_id).order_by(Vm.name)
        if names := session.scalars(resting).all():
            row = find(session, self.template_id)
            raise TemplateInUse(name=row.name, vms=", ".join(names[:10]))


def find(session: Session, template_id: str) -> Template:
    """Return the template's row; raise `TemplateGone`."""
    row = session.get(Template, template_id)
    if row is None:
        raise TemplateGone(what="模板 template", name=template_id)
    return row

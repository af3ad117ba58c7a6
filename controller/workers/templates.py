"""How templates are imported, checked and removed, step by step; and how one is found fit for use."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import BoxError, NotFound, Text
from controller.actions.templates import CheckTemplate, ImportTemplate, RemoveTemplate
from controller.drivers import image, image_taking
from controller.drivers.storage import StorageDriver
from controller.jobs.steps import Say, Step, nothing
from controller.records.cluster import Template
from controller.records.session import reading
from controller.workers.site import Site
from controller.workers.template_shelf import Shelf, Signed, TemplateChanged, digest_of, take_upload

_NOBODY = 65534
_RESERVE = 2 * 1024**3  # bytes of the box's own disk that no template may take


def take(action: ImportTemplate, site: Site) -> Sequence[Step]:
    """Copy, examine, rewrite as an image of our own, sign, record."""
    return _Taking(action, site, Shelf(site.settings)).steps()


@dataclass(frozen=True)
class _Taking:
    action: ImportTemplate
    site: Site
    shelf: Shelf

    def steps(self) -> list[Step]:
        return [
            Step(
                "take",
                Text("取入并核对摘要", "Take it in and check its digest"),
                self.take,
                self.leave,
            ),
            Step("examine", Text("检查并重写镜像", "Examine and rewrite the image"), self.examine),
            Step("sign", Text("签名", "Sign"), self.sign, self.unsign),
            Step("record", Text("登记模板", "Record the template"), self.record, self.unrecord),
        ]

    @property
    def work(self) -> Path:
        return self.shelf.work(self.action.template_id)

    @property
    def upload(self) -> Path:
        return self.site.settings.state / "uploads" / self.action.upload

    @property
    def made(self) -> Path:
        return self.work / "out" / "image.qcow2"

    def take(self, say: Say) -> None:
        self.shelf.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)
        (self.work / "out").mkdir(parents=True)
        # QEMU's tools run as nobody: they read the one file, and write into the one folder.
        self.work.chmod(0o711)
        if os.geteuid() == 0:
            os.chown(self.work / "out", _NOBODY, _NOBODY)
        take_upload(self.upload, self.work / "in", self.action.digest)
        (self.work / "in").chmod(0o444)
        say(f"SHA-256 一致 holds: {self.action.digest}")

    def leave(self, _say: Say) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        self.upload.unlink(missing_ok=True)  # whoever handed it in still has it

    def examine(self, say: Say) -> None:
        if self.shelf.word(self.action.template_id).exists():
            return
        found = image.examine(self.work / "in")
        say(f"格式 format: {found.format}，容量 size: {found.size // 1024**2} MiB")
        self.made.unlink(missing_ok=True)
        room = shutil.disk_usage(self.shelf.folder).free - _RESERVE
        host = self.site.home.host
        image_taking.take(host, self.work / "in", found, self.made, max(0, room))

    def sign(self, say: Say) -> None:
        template, final = self.action.template_id, self.shelf.file(self.action.template_id)
        if self.shelf.word(template).exists():
            return  # cut off behind its last act
        found = image.examine(self.made if self.made.exists() else final)
        if self.made.exists():
            if os.geteuid() == 0:
                os.chown(self.made, 0, 0)
            self.made.chmod(0o444)
            _sync(self.made)
            self.made.replace(final)
        said = Signed(
            id=template,
            name=self.action.name,
            version=self.action.version,
            digest=digest_of(final),
            format="qcow2",
            boot=self.action.boot,
            size_mib=-(-found.size // 1024**2),
            bytes=final.stat().st_size,
        )
        self.shelf.sign(said)
        say(f"SHA-256 {said.digest}；签名密钥 key: {self.shelf.key.public.fingerprint}")

    def unsign(self, _say: Say) -> None:
        self.shelf.drop(self.action.template_id)

    def record(self, _say: Say) -> None:
        said = self.shelf.whole(self.action.template_id)
        self.site.change(lambda session: _show(session, said, self.shelf))
        self.site.report(template=said.id, digest=said.digest, size_mib=said.size_mib)
        shutil.rmtree(self.work, ignore_errors=True)
        self.upload.unlink(missing_ok=True)

    def unrecord(self, _say: Say) -> None:
        self.site.change(lambda session: state(session, self.action.template_id, "importing"))


def check(action: CheckTemplate, site: Site) -> Sequence[Step]:
    """Compute everything anew; what does not hold is marked, and used no more."""

    def work(say: Say) -> None:
        look(site, action.template_id, say)

    return [Step("check", Text("校验签名与摘要", "Check signature and digests"), work)]


def look(site: Site, template_id: str, say: Say) -> None:
    """Check one template, and its copy in each storage; raises `TemplateChanged`, also recorded."""
    shelf = Shelf(site.settings)
    try:
        said = shelf.whole(template_id, anew=True)
        for where, storage in _storages(site):
            _intact(storage, where, said, shelf)
            say(f"一致 intact: {where}")
    except TemplateChanged:
        site.change(lambda session: state(session, template_id, "changed"))
        raise
    site.change(lambda session: _show(session, said, shelf))


def _intact(storage: StorageDriver, where: str, said: Signed, shelf: Shelf) -> None:
    held = said.id in storage.images()
    if held and not storage.intact(said.id, shelf.file(said.id), said.digest):
        raise TemplateChanged(name=said.name, why=where)


def look_at_all(site: Site) -> None:
    """Check every template that is ready; what does not hold is marked. A chore, once a day."""
    with reading(site.engine) as session:
        ready = select(Template.id).where(Template.state == "ready")
        found = list(session.scalars(ready.order_by(Template.id)))
    for template_id in found:
        try:
            look(site, template_id, lambda _line: None)
        except BoxError:
            continue  # marked, or its node is away


def remove(action: RemoveTemplate, site: Site) -> Sequence[Step]:
    """Take its image from every storage, then its file and its record."""
    titles = {
        "drop": Text("从各存储移除镜像", "Take its image from every storage"),
        "forget": Text("移除模板", "Remove the template"),
    }

    def drop(_say: Say) -> None:
        for _, storage in _storages(site):
            storage.drop_image(action.template_id)

    def forget(_say: Say) -> None:
        Shelf(site.settings).drop(action.template_id)
        site.change(lambda session: _forget(session, action.template_id))

    with reading(site.engine) as session:
        there = session.get(Template, action.template_id) is not None
    deeds = {"drop": drop, "forget": forget}
    return [Step(key, title, deeds[key] if there else nothing) for key, title in titles.items()]


def fit(site: Site, row: Template) -> tuple[Path, Signed]:
    """Return the file of a template that may be used; raises `TemplateChanged` or `NotFound`.

    What counts is what was signed: a row that says otherwise is refused.
    """
    shelf = Shelf(site.settings)
    said = shelf.whole(row.id)
    if (row.name, row.version, row.digest, row.boot) != (
        said.name,
        said.version,
        said.digest,
        said.boot,
    ):
        raise TemplateChanged(name=row.name, why="记录与签名不符 the record says otherwise")
    if row.state != "ready":
        raise NotFound(what=f"可用模板 usable template ({row.state})", name=row.name)
    return shelf.file(row.id), said


def state(session: Session, template_id: str, word: str) -> None:
    """Write a template's state, if it is still there."""
    row = session.get(Template, template_id)
    if row is not None:
        row.state = word


def _show(session: Session, said: Signed, shelf: Shelf) -> None:
    row = session.get(Template, said.id)
    if row is None:
        return
    row.digest, row.format, row.size_mib = said.digest, said.format, said.size_mib
    row.signer = shelf.key.public.fingerprint
    row.signature = shelf.signature(said.id)
    row.state, row.checked_at = "ready", clock.iso()


def _storages(site: Site) -> Iterator[tuple[str, StorageDriver]]:
    for name, drivers in site.nodes.items():
        yield f"{drivers.storage.name}@{name}", drivers.storage
    yield from site.shared.items()


def _forget(session: Session, template_id: str) -> None:
    row = session.get(Template, template_id)
    if row is not None:
        session.delete(row)


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())

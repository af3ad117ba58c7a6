"""How statements and waivers are written, approved and taken back; what was approved carries a seal.

The seal is the worker's signature over exactly what was approved, by whom and when. Whoever writes a row by
another way has no key for it, and the inspector is then told of a statement that nobody approved.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.canonical import canonical
from appliance.errors import Text, TooLarge
from appliance.settings import Settings
from appliance.signing import BadSignature, SigningKey
from compliance.statements import same_person
from controller.actions.base import Role
from controller.actions.papers import (
    FILE_LIMIT,
    AnswerQuestion,
    ApproveAnswer,
    ApproveWaiver,
    AskWaiver,
    FaultStands,
    OwnPaper,
    WithdrawAnswer,
    WithdrawWaiver,
    approved_fault,
)
from controller.jobs.attachments import FOLDER, good
from controller.jobs.steps import Say, Step
from controller.records import answers
from controller.records.answers import Paper
from controller.records.assessment import ComplianceStatement, ComplianceWaiver
from controller.records.session import reading
from controller.records.tables import Account
from controller.workers.asker import asker
from controller.workers.bundles import OtherFile
from controller.workers.sharing import share
from controller.workers.signatures import copied
from controller.workers.site import Site

MOST = 4 << 30  # bytes of all attachments together
FORM = "hbox-approved-paper/1"


def answer(action: AnswerQuestion, site: Site) -> Sequence[Step]:
    """Keep the attachments by their digests, then write the statement; an approved one stays until then."""
    folder = site.settings.state / FOLDER

    def keep(say: Say) -> None:
        for file, upload in action.files:
            _keep(site, folder / file.sha256, upload, file.size)
            say(f"附件 attachment: {file.name} {file.size} B {file.sha256}")

    def drop(_say: Say) -> None:
        with reading(site.engine) as session:
            held = session.scalars(select(ComplianceStatement.attachments)).all()
        used = {one["sha256"] for files in held for one in files}
        for file, _ in action.files:
            if file.sha256 not in used:
                (folder / file.sha256).unlink(missing_ok=True)

    def write(say: Say) -> None:
        row = ComplianceStatement(
            id=action.paper_id,
            item=action.item,
            subject=action.subject,
            verdict=action.verdict,
            record=action.record,
            review_by=action.review_by,
            attachments=[
                {"name": one.name, "size": one.size, "sha256": one.sha256}
                for one, _ in action.files
            ],
        )
        _write(site, row)
        say(f"{action.item} {action.subject}: {action.verdict}")

    return [
        Step("attachments", Text("保存附件", "Keep the attachments"), keep, drop),
        Step("write", Text("写入人员记录", "Write the statement"), write),
    ]


def ask_waiver(action: AskWaiver, site: Site) -> Sequence[Step]:
    """Write the waiver; it holds from its approval on."""

    def write(say: Say) -> None:
        row = ComplianceWaiver(
            id=action.paper_id,
            item=action.item,
            subject=action.subject,
            reason=action.reason,
            measure=action.measure,
            expires=action.expires,
        )
        _write(site, row)
        say(f"{action.item} {action.subject} → {action.expires}")

    return [Step("write", Text("写入豁免申请", "Write the waiver"), write)]


def approve(action: ApproveAnswer | ApproveWaiver, site: Site) -> Sequence[Step]:
    """Seal exactly what was read, and let it take the place of what was approved before."""

    def do(say: Say) -> None:
        person = asker(site)
        key = SigningKey.load(site.settings.keys / "audit.key")

        def work(session: Session) -> None:
            row = action.row(session)
            if row.state == "approved" and row.approved_by == person:
                return  # done before the worker was ended
            action.check(session)
            if same_person(row.asked_by, person):
                raise OwnPaper(person=person)
            for one in answers.beside(session, row):
                if one.state == "approved":
                    one.state, one.seal = "replaced", ""
            row.approved_by, row.approved_at, row.state = person, clock.iso(), "approved"
            row.seal = key.sign(statement(row)).hex()

        site.change(work)
        say(f"批准人 approved by: {person}; {action.digest}")

    return [Step("approve", Text("核对内容、签封并生效", "Check, seal, and let it count"), do)]


def withdraw(action: WithdrawAnswer | WithdrawWaiver, site: Site) -> Sequence[Step]:
    """It counts no more; the row stays for whoever looks back."""

    def do(say: Say) -> None:
        person = asker(site)

        def work(session: Session) -> None:
            row = action.row(session)
            if (fault := approved_fault(row)) and not _audits(session, person):
                raise FaultStands(verdict=fault)
            # Without its seal nobody brings it back by its state alone.
            row.state, row.comment, row.seal = "withdrawn", action.comment, ""

        site.change(work)
        say(action.comment)

    return [Step("withdraw", Text("退回", "Take it back"), do)]


def _audits(session: Session, person: str) -> bool:
    account = session.scalar(select(Account).where(Account.name == person))
    return account is not None and account.role == Role.AUDIT


def statement(row: Paper) -> bytes:
    """Return the bytes that are sealed: what was approved, by whom and when."""
    return sealed(answers.content(row), row.approved_by, row.approved_at)


def sealed(content: dict[str, Any], by: str, at: str) -> bytes:
    """Return the bytes of a seal over `content`."""
    return canonical({"form": FORM, "content": content, "by": by, "at": at})


def genuine(settings: Settings, seal: str, data: bytes) -> bool:
    """Whether the worker itself sealed `data`."""
    try:
        SigningKey.load(settings.keys / "audit.key").public.verify(
            bytes.fromhex(seal), data, what="seal"
        )
    except (BadSignature, ValueError):
        return False
    return True


def _write(site: Site, row: Paper) -> None:
    """Add a paper that waits for its approval; one that waited before is replaced."""
    person, made, kind = asker(site), clock.iso(), type(row)

    def work(session: Session) -> None:
        if session.get(kind, row.id) is not None:
            return
        for one in answers.beside(session, row):
            if one.state == "asked":
                one.state = "replaced"
        row.asked_by, row.asked_at, row.state = person, made, "asked"
        row.approved_by = row.approved_at = row.comment = row.seal = ""
        row.digest = answers.content_digest(row)
        session.add(row)

    site.change(work)


def _keep(site: Site, target: Path, upload: str, size: int) -> None:
    held = good(site.settings.state, target.name)
    if held is not None:
        if len(held) != size:
            raise OtherFile(why="bytes")
        return  # one that was changed on the disk is replaced by what was handed in
    with TemporaryDirectory(prefix="hbox-attachment-") as aside:
        copy = Path(aside) / "file"
        source = site.settings.state / "uploads" / Path(upload).name
        seen = copied(source, copy)
        if seen != target.name or copy.stat().st_size != size or size > FILE_LIMIT:
            raise OtherFile(why="SHA-256")
        if size + sum(one.stat().st_size for one in target.parent.glob("*")) > MOST:
            raise TooLarge(what="全部附件 all attachments", limit=MOST)
        share(target, copy.read_bytes(), site)
    source.unlink(missing_ok=True)

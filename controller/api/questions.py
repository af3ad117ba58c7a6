"""The questionnaire: questions, statements with their attachments, and their approval."""

import json

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import NotFound, Text, Unavailable
from controller.actions.papers import FILE_LIMIT, AnswerQuestion, ApproveAnswer, WithdrawAnswer
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items, TextOut
from controller.api.schemas.compliance import (
    AnswerIn,
    ApprovalIn,
    AttachmentMadeOut,
    PapersQuery,
    QuestionOut,
    QuestionsQuery,
    StatementOut,
    WithdrawalIn,
)
from controller.api.schemas.jobs import JobOut
from controller.jobs import attachments, uploads
from controller.records import answers, questioning
from controller.records.assessment import ComplianceStatement
from controller.records.questioning import Asked

TYPE = "application/vnd.hbox.attachment"


class AttachmentLost(Unavailable):
    """The file is gone from the disk, or is not what its digest says."""

    code = "compliance.attachment_lost"
    text = Text(
        "附件缺失，或与其摘要不符：{name}",
        "The attachment is gone, or not what its digest says: {name}",
    )
    hint = Text(
        "从记录的导出或副本中恢复，或重新填报并附上原件。",
        "Bring it back from an export or a copy of the records, or answer again with the original.",
    )


@route(
    Form(
        "GET",
        "/api/v1/compliance/questions",
        Text("列出问卷问题", "List the questions to people"),
        READERS,
        answer=Items[QuestionOut],
        query=QuestionsQuery,
    )
)
def list_questions(call: Call) -> Answer:
    """Answer with the questions, layer by layer, each with its statements."""
    wanted = call.asked(QuestionsQuery)
    every = call.read(questioning.asked)
    found = [_question(one) for one in every if not wanted.state or one.stands(wanted.state)]
    conditions = {k: v for k, v in wanted.model_dump().items() if v and k != "state"}
    held = [one for one in found if all(getattr(one, k) == v for k, v in conditions.items())]
    return Answer(Items[QuestionOut](items=held))


@route(
    Form(
        "GET",
        "/api/v1/compliance/answers",
        Text("列出人员记录", "List the statements"),
        READERS,
        answer=Items[StatementOut],
        query=PapersQuery,
    )
)
def list_answers(call: Call) -> Answer:
    """Answer with the statements, newest first."""
    asked = call.asked(PapersQuery)
    found = call.read(lambda session: answers.statements(session, all_of_them=asked.all))
    held = [StatementOut.model_validate(one) for one in found if asked.wants(one.item, one.subject)]
    return Answer(Items[StatementOut](items=held))


@route(
    Form(
        "POST",
        "/api/v1/compliance/attachments",
        Text("上传附件", "Hand in an attachment"),
        AnswerQuestion.roles,
        answer=AttachmentMadeOut,
        status=201,
        takes=TYPE,
    )
)
def upload_attachment(call: Call) -> Answer:
    """Stream the body to disk; it is kept once an answer names it."""
    folder = call.settings.state / "uploads"
    held = uploads.store(request.stream, folder, FILE_LIMIT, kind="paper")
    return Answer(AttachmentMadeOut(upload=held.name, digest=held.digest, size=held.size), 201)


@route(
    Form(
        "GET",
        "/api/v1/compliance/attachments/<attachment>",
        Text("下载附件", "Download an attachment"),
        READERS,
        gives=("application/octet-stream",),
    )
)
def download_attachment(call: Call, attachment: str) -> Answer:
    """Answer with the file; never as something that a browser would open."""

    def ask(session: Session) -> bool:
        rows = session.scalars(select(ComplianceStatement.attachments))
        return any(one["sha256"] == attachment for files in rows for one in files)

    if not call.read(ask):
        raise NotFound(what="附件 attachment", name=attachment)
    data = attachments.good(call.settings.state, attachment)
    if data is None:
        raise AttachmentLost(name=attachment[:16])
    headers = {
        "Content-Disposition": f'attachment; filename="{attachment[:16]}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(Response(data, content_type="application/octet-stream"), headers=headers)


@route(
    Form(
        "POST",
        "/api/v1/compliance/answers",
        Text("填报问卷问题", "Answer a question"),
        AnswerQuestion.roles,
        answer=JobOut,
        body=AnswerIn,
        status=202,
    )
)
def answer_question(call: Call) -> Answer:
    """Submit the answer; it counts once another person approved it."""
    asked = call.json(AnswerIn)
    files = json.dumps([one.model_dump() for one in asked.attachments])
    own = (asked.item, asked.subject, asked.verdict, asked.record, asked.review_by)
    return call.submit(AnswerQuestion(chance.new_id(), *own, files))


@route(
    Form(
        "POST",
        "/api/v1/compliance/answers/<paper>/approve",
        Text("批准人员记录", "Approve a statement"),
        ApproveAnswer.roles,
        answer=JobOut,
        body=ApprovalIn,
        status=202,
    )
)
def approve_answer(call: Call, paper: str) -> Answer:
    """Submit the approval of exactly what has the digest."""
    return call.submit(ApproveAnswer(paper, call.json(ApprovalIn).digest))


@route(
    Form(
        "POST",
        "/api/v1/compliance/answers/<paper>/withdraw",
        Text("退回人员记录", "Take back a statement"),
        WithdrawAnswer.roles,
        answer=JobOut,
        body=WithdrawalIn,
        status=202,
    )
)
def withdraw_answer(call: Call, paper: str) -> Answer:
    """Submit that it no longer counts."""
    return call.submit(WithdrawAnswer(paper, call.json(WithdrawalIn).comment))


def _question(one: Asked) -> QuestionOut:
    question = one.question
    return QuestionOut(
        layer=question.layer,
        item=question.item,
        subject=question.subject,
        text=TextOut.of(question.text),
        how=TextOut.of(question.how),
        machine=question.machine,
        high_risk=question.high_risk,
        major_risk=question.major_risk,
        seen=question.seen,
        state=one.state,
        approved=_statement(one.approved),
        waiting=_statement(one.waiting),
    )


def _statement(row: ComplianceStatement | None) -> StatementOut | None:
    return StatementOut.model_validate(row) if row is not None else None

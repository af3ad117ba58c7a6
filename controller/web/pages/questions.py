"""The questionnaire: progress by layer, the questions of one layer, one question with its answer form."""

import json
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from appliance import clock
from appliance.chance import new_id
from appliance.errors import BadInput, BoxError, Conflict, NotFound, TooLarge
from compliance import questionnaire
from compliance.given_file import STATED
from controller.actions.base import Role
from controller.actions.papers import (
    FILE_LIMIT,
    LONGEST_YEAR,
    MOST_FILES,
    AnswerQuestion,
    approved_fault,
)
from controller.jobs import uploads
from controller.records import answers, questioning
from controller.records.questioning import Asked
from controller.web.deeds import Deed
from controller.web.desk import Desk, text
from controller.web.route import READERS, Route
from controller.web.status import status_of

_SHOWN = (BadInput, Conflict, NotFound, TooLarge)
_WRITERS = AnswerQuestion.roles
_AUDIT = frozenset({Role.AUDIT})
_HELD = 180  # days: what the form proposes as review date


def show(desk: Desk) -> ResponseReturnValue:
    """Show how far each layer is, and the questions of the layer, the state or the object chosen."""
    layer, state, of = (request.args.get(name, "") for name in ("layer", "state", "object"))
    with desk.records() as session:
        found = questioning.asked(session)
        chosen = [
            one
            for one in found
            if (layer or state or of)
            and of in ("", one.question.subject)
            and layer in ("", one.question.layer)
            and (not state or one.stands(state))
        ]
        return desk.render(
            "questions.html",
            progress=questioning.progress(found),
            states=questioning.counted(found),
            layer=layer,
            state=state,
            of=of,
            found=chosen,
            total=len(found),
            href=href,
        )


def one(desk: Desk, subject: str, item: str) -> ResponseReturnValue:
    """Show one question: what is asked, what the machine saw, every statement made, the form."""
    return _page(desk, subject, item)


def answer(desk: Desk, subject: str, item: str) -> ResponseReturnValue:
    """Ask for the statement to be written; files come with the form."""
    try:
        files = json.dumps(_files(desk))
        wish = desk.wish(
            "compliance.answer",
            paper_id=new_id(),
            item=_item(item),
            subject=subject,
            verdict=text("verdict"),
            record=text("record").replace("\r\n", "\n"),
            review_by=text("review_by"),
            attachments=files,
        )
        return desk.ask(wish)
    except _SHOWN as error:
        return _page(desk, subject, item, error), status_of(error)


def href(one: Asked) -> str:
    """Return the address of a question; a mitigation's slash is written as an underscore."""
    return f"/compliance/questions/{one.question.subject}/{one.question.item.replace('/', '_')}"


def _item(part: str) -> str:
    return part.replace("_", "/")


def _files(desk: Desk) -> list[dict[str, str | int]]:
    sent = [file for file in request.files.getlist("files") if file.filename]
    if len(sent) > MOST_FILES:
        raise BadInput(what="files", why=f"至多 {MOST_FILES} 个 at most that many")
    kept: list[dict[str, str | int]] = []
    for file in sent:
        name = (file.filename or "").rsplit("/", 1)[-1].rsplit("\\", 1)[-1][-120:]
        held = uploads.store(file.stream, desk.settings.state / "uploads", FILE_LIMIT, kind="paper")
        kept.append({"name": name, "upload": held.name, "digest": held.digest, "size": held.size})
    return kept


def _page(desk: Desk, subject: str, part: str, error: BoxError | None = None) -> str:
    item = _item(part)
    with desk.records() as session:
        where = answers.subject(subject)
        beside = answers.unentered(session)
        if not questionnaire.known(item, where, beside):
            raise NotFound(what="问题 question", name=f"{item} {subject}"[:80])
        every = answers.statements(session, all_of_them=True)
        known = [one for one in questioning.asked(session) if one.question.key == (item, subject)]
        question = known[0].question if known else questionnaire.one(item, subject)
        past = [one for one in every if (one.item, one.subject) == (item, subject)]
        today = clock.now().date()
        return desk.render(
            "question.html",
            question=question,
            past=past,
            verdicts=[str(one) for one in STATED],
            given=request.form,
            error=error,
            days=_days(today.toordinal()),
            limit=FILE_LIMIT,
            fault=approved_fault,
            waive=urlencode({"item": item, "subject": subject}),
        )


def _days(today: int) -> dict[str, str]:
    """Return the first, the proposed and the last day that a statement may be reviewed on."""
    day = clock.now().date().fromordinal
    later = {"first": 0, "proposed": _HELD, "last": LONGEST_YEAR}
    return {name: day(today + days).isoformat() for name, days in later.items()}


_READS = {"approve": {"digest": text}, "withdraw": {"comment": text}}
ROUTES = (
    Route("/compliance/questions", show, READERS),
    Route("/compliance/questions/<subject>/<item>", one, READERS),
    Route("/compliance/questions/<subject>/<item>", answer, _WRITERS, "POST", takes_file=True),
    *(
        Deed(
            f"/compliance/{noun}s/<paper_id>/{verb}",
            f"compliance.{noun}.{verb}",
            _READS[verb],
            roles=_AUDIT if verb == "approve" else _WRITERS | _AUDIT,
        ).route(__name__)
        for noun in ("answer", "waiver")
        for verb in ("approve", "withdraw")
    ),
)

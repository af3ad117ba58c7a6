"""Mending: what can be mended, what was, mend, take back."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from appliance.errors import Text
from compliance import remedies
from compliance.checks import CHECKS
from controller.actions.base import Action
from controller.actions.mending import MendFindings, PlanMending, UndoMending
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items, TextOut
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.mending import MendingIn, MendingOut, RemedyOut, UndoIn
from controller.records import mending


@route(
    Form(
        "GET",
        "/api/v1/compliance/remedies",
        Text("列出整改措施与处理建议", "List the remedies, and the advice where there is none"),
        READERS,
        answer=Items[RemedyOut],
    )
)
def list_remedies(call: Call) -> Answer:
    """Answer with what mends each check."""
    del call
    return Answer(Items[RemedyOut](items=[_remedy(check.id) for check in CHECKS]))


@route(
    Form(
        "GET",
        "/api/v1/compliance/mendings",
        Text("列出整改", "List what was mended"),
        READERS,
        answer=Items[MendingOut],
    )
)
def list_mendings(call: Call) -> Answer:
    """Answer with the mendings, newest first."""
    found = call.read(mending.mendings)
    return Answer(Items[MendingOut](items=[MendingOut.model_validate(one) for one in found]))


@route(
    Form(
        "GET",
        "/api/v1/compliance/mendings/<mended>",
        Text("查看整改", "Show what a mending changed"),
        READERS,
        answer=MendingOut,
    )
)
def show_mending(call: Call, mended: str) -> Answer:
    """Answer with one mending, by its job's id or number."""
    found = call.read(lambda session: mending.mending(session, mended))
    return Answer(MendingOut.model_validate(found))


@route(
    Form(
        "POST",
        "/api/v1/compliance/mendings",
        Text("整改（可先试算）", "Mend findings, or only see what would change"),
        MendFindings.roles,
        answer=JobOut,
        body=MendingIn,
        status=202,
    )
)
def mend(call: Call) -> Answer:
    """Submit it; which remedies it means is decided now."""
    return call.submit(_wanted(call.json(MendingIn)))


@route(
    Form(
        "POST",
        "/api/v1/compliance/mendings/<mended>/undo",
        Text("撤销整改", "Take a mending back"),
        UndoMending.roles,
        answer=JobOut,
        body=UndoIn,
        status=202,
    )
)
def undo_mending(call: Call, mended: str) -> Answer:
    """Submit that what was there before is put back."""
    asked = call.json(UndoIn)
    found = call.read(lambda session: mending.mending(session, mended))
    return call.submit(UndoMending(found.node, found.id, asked.force, asked.seconds))


def _wanted(asked: MendingIn) -> Callable[[Session], Action]:
    def decide(session: Session) -> Action:
        node = asked.node or mending.home(session)
        found = mending.chosen(session, node, asked.remedies, safe=asked.safe)
        ids = ",".join(one.id for one in found)
        if asked.dry_run:
            return PlanMending(node, ids)
        return MendFindings(node, ids, asked.seconds)

    return decide


def _remedy(check: str) -> RemedyOut:
    found = remedies.for_check(check)
    if found is not None:
        return RemedyOut.of(check, found)
    text = TextOut.of(remedies.ADVICE[check])
    return RemedyOut(check=check, id="", text=text, safe=False, lockout="", surface=[])

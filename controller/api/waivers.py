"""Waivers: who accepts which finding, until when, and instead of what."""

from appliance import chance
from appliance.errors import Text
from controller.actions.papers import ApproveWaiver, AskWaiver, WithdrawWaiver
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.compliance import (
    ApprovalIn,
    PapersQuery,
    WaiverIn,
    WaiverOut,
    WithdrawalIn,
)
from controller.api.schemas.jobs import JobOut
from controller.records import answers


@route(
    Form(
        "GET",
        "/api/v1/compliance/waivers",
        Text("列出豁免", "List the waivers"),
        READERS,
        answer=Items[WaiverOut],
        query=PapersQuery,
    )
)
def list_waivers(call: Call) -> Answer:
    """Answer with the waivers, newest first."""
    asked = call.asked(PapersQuery)
    found = call.read(lambda session: answers.waivers(session, all_of_them=asked.all))
    held = [WaiverOut.model_validate(one) for one in found if asked.wants(one.item, one.subject)]
    return Answer(Items[WaiverOut](items=held))


@route(
    Form(
        "POST",
        "/api/v1/compliance/waivers",
        Text("申请豁免", "Ask for a waiver"),
        AskWaiver.roles,
        answer=JobOut,
        body=WaiverIn,
        status=202,
    )
)
def ask_waiver(call: Call) -> Answer:
    """Submit the request; it holds from its approval on."""
    asked = call.json(WaiverIn)
    own = (asked.item, asked.subject, asked.reason, asked.measure, asked.expires)
    return call.submit(AskWaiver(chance.new_id(), *own))


@route(
    Form(
        "POST",
        "/api/v1/compliance/waivers/<paper>/approve",
        Text("批准豁免", "Approve a waiver"),
        ApproveWaiver.roles,
        answer=JobOut,
        body=ApprovalIn,
        status=202,
    )
)
def approve_waiver(call: Call, paper: str) -> Answer:
    """Submit the approval of exactly what has the digest."""
    return call.submit(ApproveWaiver(paper, call.json(ApprovalIn).digest))


@route(
    Form(
        "POST",
        "/api/v1/compliance/waivers/<paper>/withdraw",
        Text("撤回豁免", "Withdraw a waiver"),
        WithdrawWaiver.roles,
        answer=JobOut,
        body=WithdrawalIn,
        status=202,
    )
)
def withdraw_waiver(call: Call, paper: str) -> Answer:
    """Submit that it no longer holds."""
    return call.submit(WithdrawWaiver(paper, call.json(WithdrawalIn).comment))

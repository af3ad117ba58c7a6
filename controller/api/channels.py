"""Channels: what is in force, and asking for, trying, approving and rejecting changes."""

import json
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from appliance.errors import BadInput, NotFound, Text, Unavailable
from controller.actions.channels import (
    ApproveChange,
    ProposeChange,
    RejectChange,
    SamePerson,
    TryChange,
    find,
    version_of,
)
from controller.actions.orders import PauseChannel, ResumeChannel
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.channels import (
    ApproveChangeIn,
    ChangeDetail,
    ChangeFilter,
    ChangeIn,
    ChangeOut,
    ChannelOut,
    ReasonIn,
    TryIn,
)
from controller.api.schemas.jobs import JobOut
from controller.records import changes, gateway

CHANNEL = "/api/v1/gateway/channels/<channel>"
CHANGE = "/api/v1/gateway/changes/<change>"


@route(
    Form(
        "GET",
        "/api/v1/gateway/channels",
        Text("列出网关通道", "List the gateway's channels"),
        READERS,
        answer=Items[ChannelOut],
    )
)
def list_channels(call: Call) -> Answer:
    """Answer with the channels of the policy in force; without a policy there are none."""
    return Answer(Items[ChannelOut](items=_channels(call)))


@route(Form("GET", CHANNEL, Text("查看通道", "Show a channel"), READERS, answer=ChannelOut))
def show_channel(call: Call, channel: str) -> Answer:
    """Answer with one channel."""
    found = next((one for one in _channels(call) if one.id == channel), None)
    if found is None:
        raise NotFound(what="通道 channel", name=channel)
    return Answer(found)


@route(
    Form(
        "GET",
        f"{CHANNEL}/versions",
        Text("列出通道的历次版本", "List a channel's versions"),
        READERS,
        answer=Items[ChangeDetail],
    )
)
def list_versions(call: Call, channel: str) -> Answer:
    """Answer with what was put in force for a channel of reviewed text, newest first."""
    found = call.read(lambda session: changes.versions(session, channel))
    return Answer(Items[ChangeDetail](items=[ChangeDetail.of(row) for row in found]))


@route(
    Form(
        "POST",
        f"{CHANNEL}/changes",
        Text("申请变更通道", "Ask for a change of a channel"),
        ProposeChange.roles,
        answer=JobOut,
        body=ChangeIn,
        status=202,
    )
)
def propose_change(call: Call, channel: str) -> Answer:
    """Submit the request; the job judges the text, and another person decides."""
    asked = call.json(ChangeIn)
    base = asked.base
    if base is None:
        base = call.read(lambda session: version_of(session, channel))
    return call.submit(ProposeChange(asked.op, channel, base, asked.text, asked.reason))


@route(
    Form(
        "POST",
        f"{CHANNEL}/pause",
        Text("暂停通道", "Pause a channel"),
        PauseChannel.roles,
        answer=JobOut,
        body=ReasonIn,
        status=202,
    )
)
def pause_channel(call: Call, channel: str) -> Answer:
    """Submit the order to let nothing of it cross."""
    return call.submit(PauseChannel(channel, call.json(ReasonIn).reason))


@route(
    Form(
        "POST",
        f"{CHANNEL}/resume",
        Text("恢复通道", "Let a paused channel go on"),
        ResumeChannel.roles,
        answer=JobOut,
        body=ReasonIn,
        status=202,
    )
)
def resume_channel(call: Call, channel: str) -> Answer:
    """Submit the order to let it cross again."""
    return call.submit(ResumeChannel(channel, call.json(ReasonIn).reason))


@route(
    Form(
        "GET",
        "/api/v1/gateway/changes",
        Text("列出通道变更", "List the changes of channels"),
        READERS,
        answer=Items[ChangeOut],
        query=ChangeFilter,
    )
)
def list_changes(call: Call) -> Answer:
    """Answer with changes, newest first."""
    asked = call.asked(ChangeFilter)
    found = call.read(lambda session: changes.many(session, **asked.model_dump()))
    more = found[-1].number if len(found) == asked.limit else None
    return Answer(Items[ChangeOut](items=[ChangeOut.of(row) for row in found], next=more))


@route(Form("GET", CHANGE, Text("查看通道变更", "Show a change"), READERS, answer=ChangeDetail))
def show_change(call: Call, change: str) -> Answer:
    """Answer with one change, its texts, their difference, and its last dry run."""
    return Answer(ChangeDetail.of(call.read(lambda session: find(session, _number(change)))))


@route(
    Form(
        "GET",
        f"{CHANGE}/trial",
        Text("下载试运行结果", "Download the last dry run"),
        READERS,
        gives=("application/json",),
    )
)
def download_trial(call: Call, change: str) -> Answer:
    """Answer with the outcome of the last dry run as a file; it holds no content of any message."""
    row = call.read(lambda session: find(session, _number(change)))
    if row.trial is None:
        raise NotFound(what="试运行 dry run", name=change)
    text = json.dumps(row.trial, ensure_ascii=False, indent=1)
    name = f"hbox-dry-run-{row.number}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(Response(text, mimetype="application/json"), headers=headers)


@route(
    Form(
        "POST",
        f"{CHANGE}/try",
        Text("试运行通道变更", "Try a change on what crossed before"),
        TryChange.roles,
        answer=JobOut,
        body=TryIn,
        status=202,
    )
)
def try_change(call: Call, change: str) -> Answer:
    """Submit the dry run; its outcome stands in the change."""
    return call.submit(TryChange(_number(change), call.json(TryIn).hours))


@route(
    Form(
        "POST",
        f"{CHANGE}/approve",
        Text("批准通道变更", "Approve a change"),
        ApproveChange.roles,
        answer=JobOut,
        body=ApproveChangeIn,
        status=202,
    )
)
def approve_change(call: Call, change: str) -> Answer:
    """Submit the approval of exactly the change that was read, by another person than who asked."""
    asked, number = call.json(ApproveChangeIn), _number(change)

    def another(session: Session) -> None:
        if find(session, number).requester == call.principal.name:
            raise SamePerson(person=call.principal.name)

    return call.submit(ApproveChange(number, asked.digest, asked.comment), another)


@route(
    Form(
        "POST",
        f"{CHANGE}/reject",
        Text("驳回通道变更", "Reject a change"),
        RejectChange.roles,
        answer=JobOut,
        body=ReasonIn,
        status=202,
    )
)
def reject_change(call: Call, change: str) -> Answer:
    """Submit the no."""
    return call.submit(RejectChange(_number(change), call.json(ReasonIn).reason))


def _number(change: str) -> int:
    if not change.isascii() or not change.isdigit() or len(change) > 9:
        raise BadInput(what="change", why=f"{change[:40]!r} 不是编号 is no number")
    return int(change)


def _channels(call: Call) -> list[ChannelOut]:
    path = call.settings.state / "gateway" / "policy.signed"
    try:
        raw = json.loads(path.read_bytes().partition(b"\n")[2])
    except FileNotFoundError:
        raw = {"channels": []}
    except (OSError, ValueError) as error:
        raise Unavailable(what="网关策略 the policy", why=str(error)) from error
    texts, paused = call.read(lambda session: (changes.current(session), gateway.paused(session)))
    versions = {name: row.version for name, row in texts.items()}
    return [_channel(one, versions, paused) for one in raw["channels"]]


def _channel(
    raw: dict[str, Any], versions: dict[str, int | None], paused: frozenset[str]
) -> ChannelOut:
    stated = ChannelOut.model_fields.keys() - {"origin", "version", "paused"}
    return ChannelOut(
        **{name: raw[name] for name in stated},
        origin="text" if raw["id"] in versions else "module",
        version=versions.get(raw["id"]),
        paused=raw["id"] in paused,
    )

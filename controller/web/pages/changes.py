"""Channel changes in the console: one person asks, another reads, tries, and approves or rejects."""

from flask import request
from flask.typing import ResponseReturnValue

from appliance.errors import BadInput, BoxError, Conflict, NotFound
from controller.actions.channels import (
    ApproveChange,
    ProposeChange,
    RejectChange,
    SamePerson,
    TryChange,
    find,
    version_of,
)
from controller.records import changes
from controller.web.desk import Desk, text, whole
from controller.web.route import READERS, SECURITY, SYSTEM, Route
from controller.web.status import status_of

_SHOWN = (BadInput, Conflict, NotFound)
_OPS = ("new", "change", "remove")
SKELETON = """\
# 用途与数据级别（GB/T 39725 的 1 至 5 级） purpose and data class
id = "lab-report"
purpose = "检验报告推送 lab reports go out"
data_class = "3"

# 方向与发送方、接收方 direction, sender and receiver
direction = "intranet->extranet"
lane = "store"
peer = "10.66.0.20"
target = "http://10.88.0.10:8080"

# 报文：只有列出的字段可以通过 the message: only these fields cross
method = "POST"
path = "/fhir/Observation"
resource = "Observation"
request = [
  { path = "resourceType", type = "code", required = true, values = ["Observation"] },
  { path = "id", type = "id", required = true },
  { path = "status", type = "code" },
]

# 每分钟上限 messages a minute
rate = 60
"""
"""An example to start from; a test holds it against the gateway's own reading."""


def index(desk: Desk) -> ResponseReturnValue:
    """List the changes, those that wait first."""
    with desk.records() as session:
        waiting = changes.many(session, state="pending", limit=1000)
        decided = [c for c in changes.many(session, limit=200) if c.state != "pending"]
    return desk.render(
        "changes.html", waiting=waiting, decided=decided, may_ask=desk.may(ProposeChange)
    )


def show(desk: Desk, change: str) -> ResponseReturnValue:
    """Show all that an approver must read: persons, what opens further, difference, dry run."""
    with desk.records() as session:
        row = find(session, _number(change))
    return desk.render(
        "change.html",
        change=row,
        diff=_lines(changes.difference(row.before, row.text)),
        trial=row.trial if changes.tried(row) else None,
        mine=row.requester == desk.principal.name,
        may_try=desk.may(TryChange),
        may_decide=desk.may(ApproveChange),
    )


def before(desk: Desk) -> ResponseReturnValue:
    """Show the form for a change, filled with the channel's present text."""
    channel = request.args.get("channel", "")
    with desk.records() as session:
        now = changes.current(session).get(channel)
    given = {
        "channel": channel,
        "op": "change" if now else "new",
        "text": now.text if now else SKELETON,
        "reason": "",
    }
    return desk.render("change_new.html", given=given, error=None, ops=_OPS)


def propose(desk: Desk) -> ResponseReturnValue:
    """Ask for the change; the job judges the text."""
    try:
        return desk.ask(_asked(desk))
    except _SHOWN as error:
        return _again(desk, error)


def try_it(desk: Desk, change: str) -> ResponseReturnValue:
    """Ask for a dry run."""
    return desk.ask(TryChange(_number(change), whole("hours")))


def approve(desk: Desk, change: str) -> ResponseReturnValue:
    """Ask to put exactly the change that was shown in force."""
    number = _number(change)
    with desk.records() as session:
        if find(session, number).requester == desk.principal.name:
            raise SamePerson(person=desk.principal.name)
    return desk.ask(ApproveChange(number, text("digest"), text("comment")))


def reject(desk: Desk, change: str) -> ResponseReturnValue:
    """Ask to reject it."""
    return desk.ask(RejectChange(_number(change), text("comment")))


def _asked(desk: Desk) -> ProposeChange:
    channel, op = text("channel"), text("op")
    # Browsers send CRLF; the text that is reviewed and signed has LF.
    told = "" if op == "remove" else text("text").replace("\r\n", "\n") + "\n"
    with desk.records() as session:
        base = version_of(session, channel)
    return ProposeChange(op, channel, base, told, text("reason"))


def _again(desk: Desk, error: BoxError) -> ResponseReturnValue:
    page = desk.render("change_new.html", given=request.form, error=error, ops=_OPS)
    return page, status_of(error)


def _number(change: str) -> int:
    if not change.isascii() or not change.isdigit() or len(change) > 9:
        raise NotFound(what="通道变更 channel change", name=change[:40])
    return int(change)


def _lines(diff: str) -> list[tuple[str, str]]:
    kinds = {"+": "added", "-": "gone", "@": "place"}
    return [
        (kinds.get(line[:1], "") if line[:3] not in ("+++", "---") else "place", line)
        for line in diff.split("\n")
    ]


ROUTES = (
    Route("/gateway/changes", index, READERS),
    Route("/gateway/changes/new", before, SYSTEM),
    Route("/gateway/changes/new", propose, SYSTEM, "POST"),
    Route("/gateway/changes/<change>", show, READERS),
    Route("/gateway/changes/<change>/try", try_it, TryChange.roles, "POST"),
    Route("/gateway/changes/<change>/approve", approve, SECURITY, "POST"),
    Route("/gateway/changes/<change>/reject", reject, SECURITY, "POST"),
)

"""`hbox gateway change`: read a change, try it on what crossed before, then approve or reject it."""

import argparse
import re
import sys
from collections.abc import Iterator
from typing import Any

from appliance.errors import BadInput
from controller.cli.follow import code as ended
from controller.cli.follow import finish, follow
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import rendered, show

CHANGES = (
    ("变更 change", "number"),
    ("通道 channel", "channel"),
    ("操作 op", "op"),
    ("状态 state", "state"),
    ("原因 reason", "reason"),
    ("申请人 requester", "requester"),
    ("申请时间 asked", "requested_at"),
    ("批准人 approver", "approver"),
    ("试运行 tried", "tried"),
)
TALLIES = (
    ("通道 channel", "channel"),
    ("报文 messages", "messages"),
    ("无差别 same", "same"),
    ("将被拒 refused", "refused_count"),
    ("将放行 allowed", "allowed"),
    ("入口将开 reached", "reached"),
    ("字段减少 fewer", "fewer"),
    ("字段增多 more", "more"),
    ("字段数 fields", "fields"),
    ("内容改变 changed", "changed"),
    ("改走他道 moved", "moved"),
)
EXAMPLES = (
    ("通道 channel", "channel"),
    ("日志号 record", "number"),
    ("时间 at", "at"),
    ("差别 what", "what"),
    ("规则 rule", "rule"),
    ("字段 path", "path"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox gateway change`."""
    own = group(verbs, "change", "通道变更（双人） changes of channels, by two persons")
    listed = command(own, "list", "列出变更 list the changes", _list)
    listed.add_argument("--state", choices=("pending", "approved", "rejected"), help="状态 state")
    listed.add_argument("--channel", help="通道 channel")
    command(own, "show", "查看变更与差异 show a change and its difference", _show).add_argument(
        "number", type=int
    )
    tried = asking(own, "try", "试运行：回放已发生的传输 replay what crossed, send nothing", _try)
    tried.add_argument("number", type=int)
    tried.add_argument("--since", default="24h", help="回看多久 how far back: 24h, 7d")
    approve = asking(own, "approve", "批准变更 approve a change", _approve)
    approve.add_argument("number", type=int)
    approve.add_argument("--comment", default="", help="意见 comment")
    reject = asking(own, "reject", "驳回变更 reject a change", _reject)
    reject.add_argument("number", type=int)
    reject.add_argument("--reason", required=True, help="原因 why")


def _list(args: argparse.Namespace) -> None:
    wanted = "".join(
        f"&{name}={getattr(args, name)}" for name in ("state", "channel") if getattr(args, name)
    )
    show(box(args).get(f"/gateway/changes?limit=100{wanted}")["items"], args.format, CHANGES)


def _show(args: argparse.Namespace) -> None:
    found = box(args).get(f"/gateway/changes/{args.number}")
    if args.format != "table":
        show(found, args.format, CHANGES)
    else:
        sys.stdout.write(told(found))


def told(change: dict[str, Any]) -> str:
    """Return all that an approver must read: who and why, what opens further, difference, dry run."""
    parts = [rendered(change, "table", (*CHANGES, ("摘要 digest", "digest")))]
    parts.append("\n放宽之处 what it opens further:\n")
    parts += [f"  + {line}\n" for line in change["widens"]] or ["  （无 none）\n"]
    parts.append(f"\n{change['diff']}\n")
    parts.append("\n" + (trial(change["trial"]) if change["tried"] else _UNTRIED))
    return "".join(parts)


_UNTRIED = (
    "警告：此变更尚未试运行（hbox gateway change try）。\n"
    "Warning: this change was never tried (hbox gateway change try).\n"
)


def trial(document: dict[str, Any]) -> str:
    """Return the outcome of a dry run as tables."""
    channels = [
        {**one, "refused_count": sum(one["refused"].values())} for one in document["channels"]
    ]
    head = (
        f"试运行 dry run {document['at']}：自 since {document['since']}，"
        f"报文 messages {document['messages']}，无法解密 unreadable {document['unreadable']}"
        + ("，已截断 cut" if document["cut"] else "")
    )
    examples = [
        {"channel": channel["channel"], **one}
        for channel in channels
        for one in channel["examples"]
    ]
    lines = [head + "\n", rendered(channels, "table", TALLIES), *_rules(channels)]
    if examples:
        lines += ["\n例 examples:\n", rendered(examples, "table", EXAMPLES)]
    lines += [f"{note['zh']}{note['en']}\n" for note in document["notes"]]
    return "".join(lines)


def _rules(channels: list[dict[str, Any]]) -> Iterator[str]:
    for channel in channels:
        for rule, count in channel["refused"].items():
            yield f"  {channel['channel']}: {rule} × {count}\n"


def _try(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"hours": hours(args.since)}
    job = here.write("POST", f"/gateway/changes/{args.number}/try", body)
    if args.no_wait:
        return finish(args, here, job)
    done = ended(follow(here, job["id"]))
    document = here.get(f"/gateway/changes/{args.number}")["trial"]
    if args.format == "table":
        sys.stdout.write(trial(document))
    else:
        show(document, args.format, TALLIES)
    return done


def hours(text: str) -> int:
    """Return `24h` or `7d` as hours; raises `BadInput`."""
    found = re.fullmatch(r"(\d{1,4})([hd])", text)
    if found is None:
        raise BadInput(what="--since", why=f"{text!r}: 24h, 7d")
    return int(found[1]) * (24 if found[2] == "d" else 1)


def _approve(args: argparse.Namespace) -> int:
    here = box(args)
    found = here.get(f"/gateway/changes/{args.number}")
    sys.stderr.write(told(found))
    body = {"digest": found["digest"], "comment": args.comment}  # exactly what was shown
    return finish(args, here, here.write("POST", f"/gateway/changes/{args.number}/approve", body))


def _reject(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/gateway/changes/{args.number}/reject"
    return finish(args, here, here.write("POST", address, {"reason": args.reason}))

"""`hbox gateway channel`: channels as reviewed text: list, show, ask for a change, go back, pause."""

import argparse
import difflib
import sys
from pathlib import Path
from typing import Any

from appliance.errors import NotFound
from controller.cli.client import Box
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

CHANNELS = (
    ("通道 channel", "id"),
    ("来源 origin", "origin"),
    ("版本 version", "version"),
    ("方向 direction", "direction"),
    ("方式 lane", "lane"),
    ("协议 protocol", "protocol"),
    ("发送方 peer", "peer"),
    ("接收方 target", "target"),
    ("数据级别 class", "data_class"),
    ("申请人 requester", "requester"),
    ("批准人 approver", "approver"),
    ("已暂停 paused", "paused"),
)
VERSIONS = (
    ("版本 version", "version"),
    ("变更 change", "number"),
    ("操作 op", "op"),
    ("原因 reason", "reason"),
    ("申请人 requester", "requester"),
    ("批准人 approver", "approver"),
    ("生效 in force", "decided_at"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox gateway channel`."""
    own = group(verbs, "channel", "通道（经审阅的文本） channels, as reviewed text")
    command(own, "list", "列出通道 list the channels", list_channels)
    shown = command(own, "show", "显示通道文本 print a channel's text", _show)
    shown.add_argument("channel")
    shown.add_argument("--version", type=int, help="历史版本 an earlier version")
    command(own, "versions", "历次版本 a channel's versions", _versions).add_argument("channel")
    diff = command(own, "diff", "比较两个版本 compare two versions", _diff)
    diff.add_argument("channel")
    diff.add_argument("--old", type=int, help="缺省为上一版 default: the one before")
    diff.add_argument("--new", type=int, help="缺省为最新版 default: the last one")
    for name, text in (
        ("new", "申请新通道 ask for a new channel"),
        ("change", "申请变更通道 ask for a channel to be changed"),
    ):
        made = asking(own, name, text, _propose)
        made.add_argument("file", type=Path, help="TOML 文本 text")
        made.add_argument("--reason", required=True, help="原因 why")
        made.set_defaults(op=name)
    gone = asking(own, "remove", "申请撤销通道 ask for a channel to be removed", _remove)
    gone.add_argument("channel")
    gone.add_argument("--reason", required=True, help="原因 why")
    back = asking(own, "rollback", "申请恢复旧版本 ask for an earlier version again", _rollback)
    back.add_argument("channel")
    back.add_argument("version", type=int)
    back.add_argument("--reason", required=True, help="原因 why")
    for name, text in (
        ("pause", "暂停通道 let nothing of it cross"),
        ("resume", "恢复通道 let it go on"),
    ):
        held = asking(own, name, text, _order)
        held.add_argument("channel")
        held.add_argument("--reason", required=True, help="原因 why")
        held.set_defaults(order=name)


def list_channels(args: argparse.Namespace) -> None:
    """Print the channels in force."""
    show(box(args).get("/gateway/channels")["items"], args.format, CHANNELS)


def _show(args: argparse.Namespace) -> None:
    here = box(args)
    if args.version is not None:
        found = _version(here, args.channel, args.version)
        _print(found["text"]) if args.format == "table" else show(found, args.format, VERSIONS)
        return
    channel = here.get(f"/gateway/channels/{args.channel}")
    if args.format != "table":
        show(channel, args.format, CHANNELS)
    elif channel["origin"] == "text":
        _print(_all(here, args.channel)[0]["text"])
    else:
        _print(_rendered(channel))


def _rendered(channel: dict[str, Any]) -> str:
    """Return a module's channel in the form that texts have: a start for one's own."""
    from pydantic import TypeAdapter

    from network.gateway.channel import Channel
    from network.gateway.text import render

    foreign = {"origin", "version", "paused"}
    stated = {name: value for name, value in channel.items() if name not in foreign}
    return render(TypeAdapter(Channel).validate_python(stated))


def _versions(args: argparse.Namespace) -> None:
    show(_all(box(args), args.channel), args.format, VERSIONS)


def _diff(args: argparse.Namespace) -> None:
    here = box(args)
    listed = _all(here, args.channel)
    last = args.new or (listed[0]["version"] if listed else 0)
    new = _version(here, args.channel, last)
    old = _version(here, args.channel, args.old) if args.old else {"text": new["before"]}
    lines = difflib.unified_diff(
        old["text"].splitlines(), new["text"].splitlines(),
        f"{args.channel} {args.old or last - 1}", f"{args.channel} {last}", lineterm="",
    )  # fmt: skip
    _print("\n".join(lines) + "\n")


def _propose(args: argparse.Namespace) -> int:
    text = _text(args.file)
    body = {"op": args.op, "text": text, "reason": args.reason}
    return _ask(args, box(args), _name(text), body)


def _remove(args: argparse.Namespace) -> int:
    return _ask(args, box(args), args.channel, {"op": "remove", "reason": args.reason})


def _rollback(args: argparse.Namespace) -> int:
    here = box(args)
    found = _version(here, args.channel, args.version)
    if found["op"] == "remove":
        raise NotFound(what="版本文本 a text in version", name=args.version)
    there = _all(here, args.channel)[0]["op"] != "remove"
    reason = f"恢复第 {args.version} 版 back to version {args.version}: {args.reason}"
    body = {"op": "change" if there else "new", "text": found["text"], "reason": reason}
    return _ask(args, here, args.channel, body)


def _ask(args: argparse.Namespace, here: Box, channel: str, body: dict[str, Any]) -> int:
    return finish(args, here, here.write("POST", f"/gateway/channels/{channel}/changes", body))


def _order(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/gateway/channels/{args.channel}/{args.order}"
    return finish(args, here, here.write("POST", address, {"reason": args.reason}))


def _name(text: str) -> str:
    """Return the channel that a text speaks of; raises `ChannelInvalid` before anything is asked."""
    from network.gateway.text import parse

    return parse(text).id


def _all(here: Box, channel: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here.get(f"/gateway/channels/{channel}/versions")["items"]
    return found


def _version(here: Box, channel: str, version: int) -> dict[str, Any]:
    for one in _all(here, channel):
        if one["version"] == version:
            return one
    raise NotFound(what="版本 version", name=f"{channel} {version}")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(what="文件 file (UTF-8)", name=path) from error


def _print(text: str) -> None:
    sys.stdout.write(text)

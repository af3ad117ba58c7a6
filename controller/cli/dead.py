"""`hbox gateway dead`: messages that could not be delivered: list, show, deliver again, give up."""

import argparse
from typing import Any

from appliance.errors import NotFound
from controller.cli.client import Box
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

DEAD = (
    ("编号 number", "number"),
    ("时间 at", "at"),
    ("通道 channel", "channel"),
    ("内容 kind", "kind"),
    ("规则 rule", "rule"),
    ("次数 attempts", "attempts"),
    ("投递 delivery", "delivery"),
)
MORE = (("接收方 address", "address"), ("说明 note", "note"), ("字节 bytes", "size"))


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox gateway dead`."""
    own = group(verbs, "dead", "死信：无法投递的报文 messages that could not be delivered")
    command(own, "list", "列出死信 list the dead letters", _list)
    command(own, "show", "查看死信 show a dead letter", _show).add_argument("delivery")
    for name, text in (
        ("rerun", "重新投递 deliver it again"),
        ("drop", "放弃投递 give it up"),
    ):
        made = asking(own, name, text, _order)
        made.add_argument("delivery")
        made.add_argument("--reason", required=True, help="原因 why")
        made.set_defaults(order=name)


def _dead(here: Box) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here.get("/gateway/transfers?state=dead&limit=1000")["items"]
    return found


def _list(args: argparse.Namespace) -> None:
    show(_dead(box(args)), args.format, DEAD)


def _show(args: argparse.Namespace) -> None:
    for one in _dead(box(args)):
        if args.delivery in (one["delivery"], str(one["number"])):
            show(one, args.format, (*DEAD, *MORE))
            return
    raise NotFound(what="死信 dead letter", name=args.delivery)


def _order(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/gateway/dead/{args.delivery}/{args.order}"
    return finish(args, here, here.write("POST", address, {"reason": args.reason}))

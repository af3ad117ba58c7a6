"""`hbox compliance object|option|schedule|difference`: how runs are made, and what moved between two."""

import argparse
import sys
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

OBJECTS = (
    ("对象 object", "ref"),
    ("说明 what", "what"),
    ("厂商 maker", "maker"),
    ("位置 place", "place"),
    ("条款 items", "applies_to"),
)
OPTIONS = (
    ("选项 option", "key"),
    ("取值 taken", "taken"),
    ("含义 meaning", "title"),
    ("设置人 by", "set_by"),
)
SCHEDULE = (
    ("每几天（0 停用） days", "days"),
    ("时刻 hour (Beijing)", "hour"),
    ("设置人 by", "by"),
)
DIFFERENCES = (
    ("类别 kind", "kind"),
    ("对象 object", "subject"),
    ("名称 name", "name"),
    ("之前 before", "before"),
    ("之后 after", "after"),
    ("原因 cause", "cause"),
    ("变更任务 job", "explained_by"),
    ("漂移 drift", "drift"),
)
KINDS = ("host", "hypervisor", "boundary", "controller", "db", "app", "person")
DRIFTED = 4  # exit code: something moved without a change record


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox compliance` that say how runs are made and compared."""
    own = group(verbs, "object", "外部测评对象 objects beside the box")
    command(own, "list", "列出 list them", _list)
    made = asking(own, "add", "登记或更改 enter one, or change it", _add)
    made.add_argument("kind", choices=KINDS, help="类别 kind")
    made.add_argument("name", help="名称 name: A-Z, 0-9, . _ -")
    made.add_argument("--what", required=True, help="说明 what it is")
    made.add_argument("--maker", default="", help="厂商 maker")
    made.add_argument("--place", default="", help="位置 place")
    made.add_argument(
        "--item",
        action="append",
        default=[],
        help="适用条款 an item it is asked; may be given again",
    )
    gone = asking(own, "remove", "移除 remove one", _remove)
    gone.add_argument("ref", help="kind:name")
    chosen = group(verbs, "option", "规则集选项 options of the rule sets")
    command(chosen, "list", "列出 list them", _options)
    put = asking(chosen, "set", "设置 choose one", _choose)
    put.add_argument("key", help="选项 option; former: 整改前的检查 the run before correction")
    put.add_argument("value", help="取值 choice; 空为取消 empty: take it back")
    timed = asking(verbs, "schedule", "查看或设置定期检查 show or set the schedule", _schedule)
    timed.add_argument("--days", type=int, help="每几天，0 停用 every how many days, 0: never")
    timed.add_argument("--hour", type=int, default=3, help="时刻（北京时间） hour, Beijing time")
    moved = command(verbs, "difference", "比较两次检查 what moved between two runs", _difference)
    moved.add_argument(
        "before",
        nargs="?",
        default="previous",
        help="默认上一次 default: the one before the newest",
    )
    moved.add_argument("after", nargs="?", default="last", help="默认最近一次 default: the newest")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/compliance/objects")["items"], args.format, OBJECTS)


def _add(args: argparse.Namespace) -> int:
    here = box(args)
    body = {name: getattr(args, name) for name in ("kind", "name", "what", "maker", "place")}
    body["applies_to"] = args.item
    return finish(args, here, here.write("POST", "/compliance/objects", body))


def _remove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/compliance/objects/{args.ref}"))


def _options(args: argparse.Namespace) -> None:
    show(box(args).get("/compliance/options")["items"], args.format, OPTIONS)


def _choose(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"key": args.key, "value": args.value}
    return finish(args, here, here.write("POST", "/compliance/options", body))


def _schedule(args: argparse.Namespace) -> int:
    here = box(args)
    if args.days is None:
        show(here.get("/compliance/schedule"), args.format, SCHEDULE)
        return 0
    body = {"days": args.days, "hour": args.hour}
    return finish(args, here, here.write("POST", "/compliance/schedule", body))


def _difference(args: argparse.Namespace) -> int:
    found = box(args).get(f"/compliance/runs/{args.before}/differences/{args.after}")
    if args.format == "table":
        show(found["differences"], args.format, DIFFERENCES)
        sys.stdout.write(f"{found['told']['zh']} {found['told']['en']}\n")
    else:
        show(found, args.format, ())
    return DRIFTED if any(one["drift"] for one in found["differences"]) else 0

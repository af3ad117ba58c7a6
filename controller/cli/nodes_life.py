"""`hbox node configure`, `drain`, `restore`, `remove`: a node's life in the box."""

import argparse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box
from controller.cli.output import show

PLAN = (
    ("虚拟机 machine", "name"),
    ("目标节点 to", "node"),
    ("说明 why not", "why"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs."""
    configure = asking(verbs, "configure", "按角色配置节点 bring a node to its state", _configure)
    configure.add_argument(
        "--dry-run", action="store_true", help="只显示差异 only show what would change"
    )
    drain = asking(verbs, "drain", "迁走虚拟机并进入维护 move its machines away", _drain)
    drain.add_argument("--dry-run", action="store_true", help="只显示计划 only show the plan")
    restore = asking(verbs, "restore", "结束维护 use it again after maintenance", _restore)
    remove = asking(verbs, "remove", "移除已清空的节点 let a drained node go", _remove)
    for verb in (configure, drain, restore, remove):
        verb.add_argument("node")


def _configure(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"dry_run": args.dry_run}
    job = here.write("POST", f"/nodes/{args.node}/configure", body)
    ended = finish(args, here, job)
    if args.dry_run and not args.no_wait:
        for line in here.get(f"/jobs/{job['id']}/log")["items"]:
            print(line["line"])
    return ended


def _drain(args: argparse.Namespace) -> int:
    here = box(args)
    plan = here.get(f"/nodes/{args.node}/drain")
    if args.dry_run or args.format == "table":
        show([_readable(move) for move in plan["moves"]], args.format, PLAN)
    if args.dry_run:
        return 0
    return finish(args, here, here.write("POST", f"/nodes/{args.node}/drain"))


def _restore(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/nodes/{args.node}/restore"))


def _remove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/nodes/{args.node}"))


def _readable(move: dict[str, Any]) -> dict[str, Any]:
    why = move["why"]
    return {**move, "why": f"{why['zh']} {why['en']}" if why else ""}

"""`hbox job`: list, show, wait for, cancel jobs, read their logs."""

import argparse
import sys
from typing import Any

from controller.cli.follow import COLUMNS, code, follow
from controller.cli.form import Verbs, box, command
from controller.cli.output import show


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox job`."""
    listing = command(verbs, "list", "列出任务 list jobs, newest first", _list)
    listing.add_argument("--state", help="状态 state")
    listing.add_argument("--limit", type=int, default=20, help="条数 how many")
    for name, text, run in (
        ("show", "查看任务 show a job", _show),
        ("wait", "跟随任务直到结束 follow a job to its end", _wait),
        ("cancel", "取消任务 cancel a job", _cancel),
        ("log", "查看任务日志 read a job's log", _log),
    ):
        command(verbs, name, text, run).add_argument("job", help="编号 number or id")


def _list(args: argparse.Namespace) -> None:
    state = f"&state={args.state}" if args.state else ""
    show(box(args).get(f"/jobs?limit={args.limit}{state}")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    job = box(args).get(f"/jobs/{args.job}")
    more = (
        ("审计号 audit number", "audit_number"),
        ("结果 result", "result"),
        ("错误 error", "error"),
    )
    show(job, args.format, (*COLUMNS, *more))
    if args.format == "table":
        steps = (("步骤 step", "title"), ("状态 state", "state"), ("秒 seconds", "seconds"))
        show(job["steps"], args.format, steps)


def _wait(args: argparse.Namespace) -> int:
    return code(follow(box(args), args.job))


def _cancel(args: argparse.Namespace) -> None:
    show(box(args).write("DELETE", f"/jobs/{args.job}"), args.format, COLUMNS)


def _log(args: argparse.Namespace) -> None:
    here, after = box(args), 0
    while lines := here.get(f"/jobs/{args.job}/log?after={after}")["items"]:
        for line in lines:
            sys.stdout.write(f"{line['at']}  {line['line']}\n")
        after = lines[-1]["id"]

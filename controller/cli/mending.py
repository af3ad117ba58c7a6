"""`hbox compliance remedies|mend|mended|undo`: what can be mended, mending it, taking it back."""

import argparse
import sys
from typing import Any

from controller.cli.client import Box
from controller.cli.follow import COLUMNS, code, follow
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

REMEDIES = (
    ("检查 check", "check"),
    ("措施 remedy", "id"),
    ("安全 safe", "safe"),
    ("可能锁定 lockout", "lockout"),
    ("说明 what", "text"),
)
MENDED = (
    ("编号 number", "number"),
    ("节点 node", "node"),
    ("措施 remedies", "remedies"),
    ("发起人 by", "actor"),
    ("时间 at", "at"),
    ("撤销任务 undone by", "undone_by"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox compliance` that mend."""
    command(verbs, "remedies", "列出整改措施与建议 list remedies and advice", _remedies)
    mend = asking(verbs, "mend", "整改 mend findings", _mend)
    mend.add_argument("names", nargs="*", metavar="CHECK", help="检查项或措施 checks or remedies")
    mend.add_argument(
        "--safe", action="store_true", help="全部安全项 all safe ones of the last run's findings"
    )
    mend.add_argument("--node", default="", help="节点，默认控制节点 default: the home node")
    mend.add_argument("--dry-run", action="store_true", help="只显示将改变什么 only show the diff")
    _limit(mend)
    mended = group(verbs, "mended", "已做的整改 what was mended")
    command(mended, "list", "列出 list them", _list)
    command(mended, "show", "查看改动 show a change", _show).add_argument(
        "job", help="任务编号 number or id"
    )
    undo = asking(verbs, "undo", "撤销整改 take a mending back", _undo)
    undo.add_argument("job", help="任务编号 number or id")
    undo.add_argument(
        "--force", action="store_true", help="整改后另有改动也撤销 also over later changes"
    )
    _limit(undo)


def _limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=int,
        default=120,
        help="未确认时多少秒后自动恢复 seconds until it reverts unconfirmed (SSH, PAM, network)",
    )


def _remedies(args: argparse.Namespace) -> None:
    show(box(args).get("/compliance/remedies")["items"], args.format, REMEDIES)


def _mend(args: argparse.Namespace) -> int:
    here = box(args)
    body = {
        "node": args.node,
        "remedies": args.names,
        "safe": args.safe,
        "dry_run": args.dry_run,
        "seconds": args.seconds,
    }
    return _finish(args, here, here.write("POST", "/compliance/mendings", body))


def _undo(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"force": args.force, "seconds": args.seconds}
    return _finish(args, here, here.write("POST", f"/compliance/mendings/{args.job}/undo", body))


def _list(args: argparse.Namespace) -> None:
    show(
        [_plain(args, one) for one in box(args).get("/compliance/mendings")["items"]],
        args.format,
        MENDED,
    )


def _show(args: argparse.Namespace) -> None:
    found = box(args).get(f"/compliance/mendings/{args.job}")
    more = (("检查结果 verdicts", "verdicts"), ("改动 changed", "changed"))
    show(_plain(args, found), args.format, (*MENDED, *more))
    if args.format == "table":
        sys.stdout.write(f"\n{found['diff']}\n")


def _plain(args: argparse.Namespace, found: dict[str, Any]) -> dict[str, Any]:
    """Return it as people read it in a table: names by comma, no number of a job where there is none."""
    if args.format != "table":
        return found
    return {
        **found,
        "remedies": ", ".join(found["remedies"]),
        "undone_by": found["undone_by"] or None,
    }


def _finish(args: argparse.Namespace, here: Box, job: dict[str, Any]) -> int:
    """Follow the job; show its diff, then what became of each check, also of a job that failed."""
    if args.no_wait:
        show(job, args.format, COLUMNS)
        return 0
    ended = follow(here, job["id"])
    told = ended["result"] or {}
    if args.format != "table":
        show(ended, args.format, COLUMNS)
        return code(ended)
    if told.get("diff"):
        sys.stdout.write(told["diff"] + "\n")
    for check, (before, after) in told.get("verdicts", {}).items():
        sys.stdout.write(f"{check}: {before} → {after}\n")
    if ended["kind"].endswith(".plan"):
        would = told.get("would_change", "?")
        sys.stdout.write(f"将改变 would change: {would}\n")
        if would == 0:
            sys.stdout.write(
                "节点已是这些措施的目标状态，整改不会使结果变好，须由人处理：原因见 hbox compliance show\n"
                "The node already is as these remedies would have it: a person must see to the rest\n"
            )
    return code(ended)

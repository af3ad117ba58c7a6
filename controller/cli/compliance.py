"""`hbox compliance` on a box: run, show, runs, report. `verify` needs no box and comes from the inspector."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from compliance.exports import FORMS as MADE
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show
from controller.cli.verdicts import told

FORMS = ("html", "json", *MADE)
COLUMNS = (
    ("时间 at", "at"),
    ("秒 seconds", "seconds"),
    ("规则集 ruleset", "ruleset"),
    ("摘要 digest", "digest"),
    ("ID", "id"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox compliance` that need a box."""
    asking(verbs, "run", "执行等保检查 run the inspection", _run)
    shown = command(verbs, "show", "查看检查结果 show a run", _show)
    shown.add_argument("run_id", nargs="?", default="last", help="默认最近一次 default: the newest")
    command(verbs, "runs", "列出检查 list the runs", _runs)
    report = command(verbs, "report", "下载报告 download a report", _report)
    report.add_argument(
        "run_id", nargs="?", default="last", help="默认最近一次 default: the newest"
    )
    report.add_argument("--form", choices=FORMS, default="html", help="形式 form")
    report.add_argument("--out", type=Path, required=True, help="写入文件 file, - for stdout")


def _run(args: argparse.Namespace) -> int:
    here = box(args)
    code = finish(args, here, here.write("POST", "/compliance/runs"))
    if code == 0 and not args.no_wait and args.format == "table":
        args.run_id = "last"
        _show(args)
    return code


def _show(args: argparse.Namespace) -> None:
    here = box(args)
    run = here.get(f"/compliance/runs/{args.run_id}")
    show(run, args.format, COLUMNS)
    if args.format == "table":
        held = here.ask("GET", f"/api/v1/compliance/runs/{run['id']}/report?form=json").data
        sys.stdout.write("\n" + told(json.loads(held)["report"]))


def _runs(args: argparse.Namespace) -> None:
    show(box(args).get("/compliance/runs")["items"], args.format, COLUMNS)


def _report(args: argparse.Namespace) -> None:
    address = f"/api/v1/compliance/runs/{args.run_id}/report?form={args.form}"
    data = box(args).ask("GET", address).data
    if str(args.out) == "-":
        sys.stdout.buffer.write(data)
        return
    args.out.write_bytes(data)
    sys.stderr.write(f"已写入 written: {args.out}\n")

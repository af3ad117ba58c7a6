"""`hbox gateway` for those who supervise: search, export, look, alerts, daily report, index."""

import argparse
import base64
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from appliance import clock
from appliance.clock import BEIJING
from appliance.errors import BadInput, Refused, Text
from appliance.onetime import Opener
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

TRANSFERS = (
    ("编号 number", "number"),
    ("时间 at", "at"),
    ("通道 channel", "channel"),
    ("方向 direction", "direction"),
    ("消息 kind", "kind"),
    ("来源 peer", "peer"),
    ("判定 verdict", "verdict"),
    ("规则 rule", "rule"),
    ("状态 state", "state"),
    ("条数 count", "count"),
    ("毫秒 ms", "latency_ms"),
)
ALERTS = (
    ("出现 opened", "opened_at"),
    ("程度 tone", "tone"),
    ("规则 rule", "rule"),
    ("告警 what", "what"),
    ("确认人 by", "acknowledged_by"),
    ("结束 closed", "closed_at"),
    ("ID", "id"),
)
REPORTS = (
    ("日期 day", "day"),
    ("放行 passed", "summary.passed"),
    ("拒绝 refused", "summary.refused"),
    ("未送达 undelivered", "summary.undelivered"),
    ("告警 alerts", "summary.alerts"),
    ("摘要 digest", "digest"),
)
_CONDITIONS = {
    "channel": "通道 channel",
    "verdict": "判定 verdict: allowed, refused",
    "state": "状态 state: accepted, delivered, dead, ...",
    "direction": "方向 extranet->intranet or intranet->extranet",
    "data-class": "数据级别 data class",
    "kind": "消息种类 kind, such as SIU^S12",
    "rule": "规则 code of a refusal",
    "who": "来源地址、虚拟机或模块 sender: address, machine or module",
    "since": "起始 from, 2026-11-22 or 2026-11-22T08:00（北京时间 Beijing time）",
    "until": "截止（不含） until, not included; the same form",
    "slower": "耗时超过（毫秒） latency over, ms",
    "text": "规则或说明中的文字 text in rule or note",
    "delivery": "投递号 delivery",
}


class JobFailed(Refused):
    """The look came to nothing; why stands in its job."""

    code = "gateway.look_failed"
    text = Text("未能查看正文：{why}", "The body could not be looked into: {why}")


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of supervision to `hbox gateway`."""
    moved = command(verbs, "transfers", "查找传输记录 search what met the gateway", _transfers)
    _conditions(moved)
    moved.add_argument("--limit", type=int, default=50, help="条数 how many")
    moved.add_argument("--before", type=int, help="早于该编号 older than this number")
    export = command(
        verbs, "export", "导出传输记录并签名 export transfers, signed (CSV, JSON)", _export
    )
    _conditions(export)
    export.add_argument("--out", type=Path, required=True, help="目录 folder to write into")
    _look_verb(verbs)
    _alert_verbs(verbs)
    report = command(verbs, "report", "下载交换日报 download a daily report", _report)
    report.add_argument("day", nargs="?", help="日期 YYYY-MM-DD，默认列出 none: list them")
    report.add_argument("--make", action="store_true", help="先生成 make it first")
    report.add_argument("--form", choices=("html", "json"), default="html", help="形式 form")
    report.add_argument("--out", type=Path, help="写入文件 file to write, - for stdout")
    asking(verbs, "reindex", "从日志重建传输索引 rebuild the index from the journal", _reindex)


def _conditions(parser: argparse.ArgumentParser) -> None:
    for name, text in _CONDITIONS.items():
        parser.add_argument(f"--{name}", help=text)
    parser.add_argument(
        "--personal", action="store_true", help="发现个人号码 personal numbers found"
    )


def _look_verb(verbs: "Verbs[Any]") -> None:
    look = command(verbs, "look", "查看一条消息的正文（记入审计） read one message; audited", _look)
    look.add_argument("number", type=int, help="传输编号 number")
    look.add_argument("--reason", required=True, help="理由，记入审计 why; stands in the audit")
    look.add_argument(
        "--part", choices=("message", "answer"), default="message", help="哪一部分 which"
    )
    look.add_argument("--clear", action="store_true", help="不脱敏 unmasked; the audit says so")


def _alert_verbs(verbs: "Verbs[Any]") -> None:
    text = "告警 alerts"
    own = verbs.add_parser("alert", help=text, description=text)
    alerts = own.add_subparsers(metavar="VERB", required=True)
    listed = command(alerts, "list", "列出告警 list the alerts", _alerts)
    listed.add_argument("--all", action="store_true", help="含已结束的 also those that are over")
    ack = asking(alerts, "ack", "确认告警 say that you see to it", _ack)
    ack.add_argument("id", help="告警 ID")


def _wanted(args: argparse.Namespace) -> dict[str, Any]:
    names = {name.replace("-", "_"): getattr(args, name.replace("-", "_")) for name in _CONDITIONS}
    held = {name: value for name, value in names.items() if value is not None}
    held |= {name: _instant(name, held[name]) for name in ("since", "until") if name in held}
    return held | ({"personal": True} if args.personal else {})


def _instant(name: str, typed: str) -> str:
    """Return what was typed as the records keep instants (UTC); a text without a zone is Beijing time."""
    try:
        instant = dt.datetime.fromisoformat(typed)
    except ValueError as error:
        raise BadInput(what=f"--{name}", why=f"{typed!r}: 2026-11-22, 2026-11-22T08:00") from error
    return clock.iso(instant if instant.tzinfo else instant.replace(tzinfo=BEIJING))


def _transfers(args: argparse.Namespace) -> None:
    wanted = _wanted(args) | {"limit": args.limit}
    if args.before:
        wanted["before"] = args.before
    found = box(args).get(f"/gateway/transfers?{urlencode(wanted)}")
    show(found["items"], args.format, TRANSFERS)


def _export(args: argparse.Namespace) -> int:
    here = box(args)
    wanted = _wanted(args)
    if "slower" in wanted:
        wanted["slower"] = float(wanted["slower"])
    job = here.write("POST", "/gateway/exports", wanted)
    args.no_wait = False
    code = finish(args, here, job)
    if code == 0:
        args.out.mkdir(parents=True, exist_ok=True)
        for form in ("csv", "json", "sig"):
            path = args.out / f"hbox-transfers.{form}"
            path.write_bytes(
                here.ask("GET", f"/api/v1/gateway/exports/{job['id']}?form={form}").data
            )
            sys.stderr.write(f"已写入 written: {path}\n")
    return code


def _look(args: argparse.Namespace) -> int:
    here, opener = box(args), Opener()
    asked = {
        "reason": args.reason,
        "part": args.part,
        "clear": args.clear,
        "public_key": opener.public,
    }
    job = here.write("POST", f"/gateway/transfers/{args.number}/look", asked)
    while not job["over"]:
        job = here.get(f"/jobs/{job['id']}/wait?timeout=20")
    if job["state"] != "succeeded":
        raise JobFailed(why=(job["error"] or {}).get("message", {}).get("zh", job["state"]))
    sealed = here.get(f"/gateway/looks/{job['id']}")
    told = json.loads(opener.open(base64.b64decode(sealed["sealed"]), sealed["purpose"]))
    if args.format == "table":
        sys.stdout.write(told["text"] + "\n")
    else:
        show(told, args.format, ())
    return 0


def _alerts(args: argparse.Namespace) -> None:
    wanted = "?all=true" if args.all else ""
    show(box(args).get(f"/gateway/alerts{wanted}")["items"], args.format, ALERTS)


def _ack(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/gateway/alerts/{args.id}/ack"))


def _report(args: argparse.Namespace) -> int:
    here = box(args)
    if args.day is None:
        show(here.get("/gateway/reports")["items"], args.format, REPORTS)
        return 0
    if args.make:
        args.no_wait = False
        code = finish(args, here, here.write("POST", "/gateway/reports", {"day": args.day}))
        if code:
            return code
    data = here.ask("GET", f"/api/v1/gateway/reports/{args.day}?form={args.form}").data
    out = args.out or Path(f"hbox-gateway-{args.day}.{args.form}")
    if str(out) == "-":
        sys.stdout.buffer.write(data)
    else:
        out.write_bytes(data)
        sys.stderr.write(f"已写入 written: {out}\n")
    return 0


def _reindex(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", "/gateway/index"))

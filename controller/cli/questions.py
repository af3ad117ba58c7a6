"""`hbox compliance question|waiver`: what people state and accept, and who approves it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance.errors import NotFound
from controller.cli.client import Box
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

QUESTIONS = (
    ("条款 item", "item"),
    ("对象 object", "subject"),
    ("状态 state", "state"),
    ("上次检查 last run", "seen"),
    ("要求 asked", "text.zh"),
)
PAPERS = (
    ("ID", "id"),
    ("条款 item", "item"),
    ("对象 object", "subject"),
    ("状态 state", "state"),
    ("填报 by", "asked_by"),
    ("批准 approved by", "approved_by"),
)
STATEMENTS = (*PAPERS, ("结果 verdict", "verdict"), ("复核 review by", "review_by"))
WAIVERS = (*PAPERS, ("到期 expires", "expires"))
WHOLE = (
    *STATEMENTS,
    ("记录 record", "record"),
    ("附件 attachments", "attachments"),
    ("摘要 digest", "digest"),
    ("说明 comment", "comment"),
)
STATES = ("open", "waits", "holds", "soon", "lapsed")
VERDICTS = ("conform", "partial", "violated", "not_applicable")
_TYPE = {"Content-Type": "application/vnd.hbox.attachment"}
_ITEM, _SUBJECT = "条款 item", "对象 object: kind:name"


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox compliance question` and `hbox compliance waiver`."""
    _questions(group(verbs, "question", "问卷与人员记录 questions and statements"))
    _waivers(group(verbs, "waiver", "豁免 waivers"))


def _questions(own: "Verbs[Any]") -> None:
    listed = command(own, "list", "列出问题 list the questions", _list)
    listed.add_argument("--layer", default="", help="层面 layer: 8.1.6, risks …")
    listed.add_argument("--state", default="", choices=("", *STATES), help="状态 state")
    shown = command(own, "show", "查看问题及历次记录 show one, with every statement made", _show)
    made = asking(own, "answer", "填报 answer one", _answer)
    for verb in (shown, made):
        verb.add_argument("item", help=_ITEM)
        verb.add_argument("subject", nargs="?", default="person:site", help=_SUBJECT)
    made.add_argument("--verdict", required=True, choices=VERDICTS, help="结果 verdict")
    made.add_argument("--record", required=True, help="结果记录 what was found")
    made.add_argument("--review-by", required=True, help="复核日期 last day it holds: 2027-11-01")
    made.add_argument(
        "--attach", type=Path, action="append", default=[], help="附件 a file; may be given again"
    )
    _deciding(own, "答复 statement", "answers")


def _waivers(own: "Verbs[Any]") -> None:
    listed = command(own, "list", "列出豁免 list the waivers", _list_waivers)
    listed.add_argument("--all", action="store_true", help="含已撤回的 also those withdrawn")
    made = asking(own, "ask", "申请豁免 ask for one", _ask)
    made.add_argument("item", help=_ITEM)
    made.add_argument("subject", help=_SUBJECT)
    made.add_argument("--reason", required=True, help="理由 reason")
    made.add_argument("--measure", required=True, help="补偿措施 compensating measure")
    made.add_argument("--expires", required=True, help="到期日 last day: 2027-03-01")
    _deciding(own, "豁免 waiver", "waivers")


def _deciding(own: "Verbs[Any]", what: str, where: str) -> None:
    said = asking(own, "approve", f"批准 approve a {what}", _approve)
    said.add_argument("id", help="ID")
    said.add_argument("--digest", required=True, help="所审阅内容的摘要 digest of what was read")
    back = asking(own, "withdraw", f"退回或撤回 take back a {what}", _withdraw)
    back.add_argument("id", help="ID")
    back.add_argument("--comment", required=True, help="原因 why")
    for verb in (said, back):
        verb.set_defaults(where=where)


def _list(args: argparse.Namespace) -> None:
    asked = "&".join(f"{k}={getattr(args, k)}" for k in ("layer", "state") if getattr(args, k))
    show(box(args).get(f"/compliance/questions?{asked}")["items"], args.format, QUESTIONS)


def _show(args: argparse.Namespace) -> None:
    here = box(args)
    place = f"item={args.item}&subject={args.subject}"
    found = here.get(f"/compliance/questions?{place}")["items"]
    if not found:
        raise NotFound(what="问题 question", name=f"{args.item} {args.subject}")
    past = here.get(f"/compliance/answers?all=true&{place}")["items"]
    if args.format != "table":
        show({**found[0], "statements": past}, args.format, ())
        return
    show(found[0], args.format, (*QUESTIONS, ("查法 how", "how.zh")))
    for one in past:
        sys.stdout.write("\n")
        show(one, args.format, WHOLE)


def _answer(args: argparse.Namespace) -> int:
    here = box(args)
    body = {
        "item": args.item,
        "subject": args.subject,
        "verdict": args.verdict,
        "record": args.record,
        "review_by": args.review_by,
        "attachments": [_attached(here, path) for path in args.attach],
    }
    return finish(args, here, here.write("POST", "/compliance/answers", body))


def _attached(here: Box, path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NotFound(what="文件 file", name=path)
    size = {"Content-Length": str(path.stat().st_size)}
    with path.open("rb") as file:
        held: dict[str, Any] = here.ask(
            "POST", "/api/v1/compliance/attachments", file, _TYPE | size
        ).json()
    return {"name": path.name, **held}


def _list_waivers(args: argparse.Namespace) -> None:
    asked = "?all=true" if args.all else ""
    show(box(args).get(f"/compliance/waivers{asked}")["items"], args.format, WAIVERS)


def _ask(args: argparse.Namespace) -> int:
    here = box(args)
    names = ("item", "subject", "reason", "measure", "expires")
    body = {name: getattr(args, name) for name in names}
    return finish(args, here, here.write("POST", "/compliance/waivers", body))


def _approve(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/compliance/{args.where}/{args.id}/approve"
    return finish(args, here, here.write("POST", address, {"digest": args.digest}))


def _withdraw(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/compliance/{args.where}/{args.id}/withdraw"
    return finish(args, here, here.write("POST", address, {"comment": args.comment}))

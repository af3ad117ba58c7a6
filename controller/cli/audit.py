"""`hbox audit`: list entries, verify the chain."""

import argparse
from typing import Any

from controller.cli.form import Verbs, box, command
from controller.cli.output import show

COLUMNS = (
    ("编号 number", "number"),
    ("时间 at", "at"),
    ("人员 actor", "actor"),
    ("角色 role", "role"),
    ("行为 act", "act"),
    ("对象 object", "object"),
    ("结果 outcome", "outcome"),
)
CHAIN = (
    ("完好 holds", "holds"),
    ("条数 entries", "entries"),
    ("断裂处 broken at", "broken_at"),
    ("原因 why", "why"),
    ("封印 seals", "seals"),
    ("已封印至 sealed up to", "sealed"),
    ("链头 head", "head"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox audit`."""
    listing = command(verbs, "list", "查看审计记录 list entries, newest first", _list)
    listing.add_argument("--limit", type=int, default=50, help="条数 how many")
    command(verbs, "verify", "校验审计链 verify the chain; exit 1 if it is broken", _verify)


def _list(args: argparse.Namespace) -> None:
    show(box(args).get(f"/audit?limit={args.limit}")["items"], args.format, COLUMNS)


def _verify(args: argparse.Namespace) -> int:
    found = box(args).get("/audit/verify")
    show(found, args.format, CHAIN)
    return 0 if found["holds"] else 1

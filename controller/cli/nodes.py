"""`hbox node`: list, show, inspect."""

import argparse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

COLUMNS = (
    ("节点 node", "name"),
    ("状态 state", "state"),
    ("控制节点 home", "home"),
    ("管理地址 address", "address"),
    ("无应答原因 away because", "why"),
    ("加速 accelerator", "accelerator"),
    ("采集时间 inventory taken", "facts_at"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox node`."""
    command(verbs, "list", "列出节点 list the nodes", _list)
    command(verbs, "show", "查看节点 show a node", _show).add_argument("node")
    inspect = asking(verbs, "inspect", "重新采集硬件信息 take the inventory again", _inspect)
    inspect.add_argument("node")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/nodes")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    node = box(args).get(f"/nodes/{args.node}")
    facts = tuple((name, f"facts.{name}") for name in node["facts"] or {})
    show(node, args.format, (*COLUMNS, *facts))


def _inspect(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/nodes/{args.node}/inspect"))

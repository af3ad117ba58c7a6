"""`hbox node token`, `tokens`, `revoke`: the words by which further nodes join."""

import argparse
import sys
from typing import Any

from controller.cli.form import Verbs, box, command
from controller.cli.output import show

COLUMNS = (
    ("编号 id", "id"),
    ("节点 for node", "name"),
    ("替换 replaces", "replaces"),
    ("生成人 by", "made_by"),
    ("到期 until", "expires_at"),
    ("使用 used", "used_at"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs."""
    token = command(verbs, "token", "生成加入令牌 make a token for one node to join", _token)
    token.add_argument("--name", default="", help="仅供该名称的节点使用 for this node only")
    token.add_argument(
        "--replace", action="store_true", help="替换已损坏的同名节点 to replace that dead node"
    )
    token.add_argument(
        "--minutes", type=int, default=60, help="有效分钟数（1–1440） how long it is good, minutes"
    )
    command(verbs, "tokens", "列出加入令牌 list the join tokens", _list)
    revoke = command(verbs, "revoke", "撤销加入令牌 revoke a join token", _revoke)
    revoke.add_argument("token", help="令牌编号 the token's id")


def _token(args: argparse.Namespace) -> None:
    body = {"name": args.name, "replace": args.replace, "minutes": args.minutes}
    made = box(args).write("POST", "/node-tokens", body)
    if args.format != "table":
        show(made, args.format, COLUMNS)
        return
    sys.stdout.write(made["token"] + "\n")
    sys.stderr.write(
        f"核对码 compare: {made['spoken']}（加入时新节点会显示同样的数字 the joining node shows the same）\n"
        f"一次有效，至 {made['expires_at'][:19]}Z  good once, until then\n"
    )


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/node-tokens")["items"], args.format, COLUMNS)


def _revoke(args: argparse.Namespace) -> None:
    box(args).write("DELETE", f"/node-tokens/{args.token}")

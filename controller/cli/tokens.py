"""`hbox token`: create (the key is printed this once), list, revoke."""

import argparse
import sys
from typing import Any

from controller.cli.client import Box
from controller.cli.form import Verbs, box, command
from controller.cli.grants import PATH_HELP, RIGHTS
from controller.cli.output import show

COLUMNS = (
    ("ID", "id"),
    ("账号 owner", "owner"),
    ("名称 name", "name"),
    ("权限 right", "right"),
    ("路径 path", "path"),
    ("有效 alive", "alive"),
    ("到期 expires", "expires_at"),
    ("最近使用 last used", "used_at"),
    ("吊销 revoked", "revoked_at"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox token`."""
    made = command(verbs, "create", "创建 API 令牌 make an API token for yourself", _create)
    made.add_argument("name", help="名称 name: a-z, 0-9, -")
    made.add_argument("--right", choices=RIGHTS, default="view", help="权限 right")
    made.add_argument("--path", default="/", help=PATH_HELP)
    made.add_argument("--days", type=int, default=30, help="有效天数 days until it expires")
    command(verbs, "list", "列出 API 令牌 list the API tokens", _list)
    gone = command(verbs, "revoke", "吊销令牌，立即生效 revoke one, at once", _revoke)
    gone.add_argument("token", help="ID，或自己的令牌名 id, or the name of one of your own")


def _create(args: argparse.Namespace) -> None:
    body = {"name": args.name, "right": args.right, "path": args.path, "days": args.days}
    made = box(args).write("POST", "/tokens", body)
    if args.format != "table":
        show(made, args.format, ())
        return
    sys.stdout.write(made["key"] + "\n")
    sys.stderr.write(
        f"有效至 valid until {made['token']['expires_at']}。"
        "请立即保存，此密钥不再显示。Keep it now: it is not shown again.\n"
    )


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/tokens")["items"], args.format, COLUMNS)


def _revoke(args: argparse.Namespace) -> None:
    here = box(args)
    gone = here.write("DELETE", f"/tokens/{_named(here, args.token)}")
    show(gone, args.format, COLUMNS)


def _named(here: Box, name: str) -> str:
    """Return the id of one's own living token of that name, else the word as it was given."""
    me = here.get("/session")["name"]
    mine = [
        token
        for token in here.get("/tokens")["items"]
        if (token["owner"], token["name"], token["alive"]) == (me, name, True)
    ]
    return str(mine[0]["id"]) if mine else name

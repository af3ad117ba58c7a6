"""`hbox account`: list, add, disable."""

import argparse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

COLUMNS = (
    ("账号 account", "name"),
    ("角色 role", "role"),
    ("厂商 vendor", "vendor"),
    ("本机用户 local user", "unix_user"),
    ("待首次登录 first login due", "pending"),
    ("已停用 disabled", "disabled"),
    ("锁定至 locked until", "locked_until"),
)
ROLES = ("system", "security", "audit", "vendor", "auditor", "tenant")


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox account`."""
    command(verbs, "list", "列出账号 list the accounts", _list)
    add = asking(verbs, "add", "添加账号 add an account", _add)
    add.add_argument("name", help="账号名 name")
    add.add_argument("--role", required=True, choices=ROLES, help="角色 role")
    add.add_argument("--vendor", default="", help="厂商账号所属厂商 whose account, for role vendor")
    disable = asking(verbs, "disable", "停用账号 disable an account", _disable)
    disable.add_argument("name", help="账号名 name")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/accounts")["items"], args.format, COLUMNS)


def _add(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"name": args.name, "role": args.role, "vendor": args.vendor}
    return finish(args, here, here.write("POST", "/accounts", body))


def _disable(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/accounts/{args.name}/disable"))

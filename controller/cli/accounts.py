"""`hbox account`: list, add, disable, unlock, reset; rescue as root on the node."""

import argparse
import os
from typing import Any

from controller.cli.algorithms import NeedsRoot
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
    ("口令设于 password set", "password_at"),
    ("动态口令 second factor", "factor_at"),
)
_RESCUED = (("账号 account", "name"), ("首次登录码文件 first-login code", "code_file"))
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
    unlock = asking(verbs, "unlock", "解锁账号 end a lock after wrong log-ins", _unlock)
    unlock.add_argument("name", help="账号名 name")
    reset = asking(verbs, "reset", "重置口令 take a forgotten password away", _reset)
    reset.add_argument("name", help="账号名 name")
    reset.add_argument(
        "--factor", action="store_true", help="动态口令也已遗失 the second factor is lost too"
    )
    last = command(
        verbs,
        "rescue",
        "最后一位安全管理员失去凭据时（root） the last security administrator is locked out, as root",
        _rescue,
    )
    last.add_argument("name", help="账号名 name")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/accounts")["items"], args.format, COLUMNS)


def _add(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"name": args.name, "role": args.role, "vendor": args.vendor}
    return finish(args, here, here.write("POST", "/accounts", body))


def _unlock(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/accounts/{args.name}/unlock"))


def _reset(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"factor": args.factor}
    return finish(args, here, here.write("POST", f"/accounts/{args.name}/reset", body))


def _rescue(args: argparse.Namespace) -> None:
    from appliance.settings import load
    from controller.records.session import open_records
    from controller.workers.rescue import rescue

    if os.geteuid() != 0:
        raise NeedsRoot(
            what="hbox account rescue", why="它直接写入记录 it writes the records itself"
        )
    settings = load()
    path = rescue(open_records(settings.database), settings, args.name)
    show({"name": args.name, "code_file": str(path)}, args.format, _RESCUED)


def _disable(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/accounts/{args.name}/disable"))

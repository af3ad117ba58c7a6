"""`hbox grant`: list, add, remove."""

import argparse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

COLUMNS = (
    ("ID", "id"),
    ("账号 account", "account"),
    ("权限 right", "right"),
    ("路径 path", "path"),
    ("授予人 by", "made_by"),
    ("时间 at", "created_at"),
)
RIGHTS = ("view", "operate", "manage")
PATH_HELP = "路径 path: /, /tenants/NAME, /vms/ID"


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox grant`."""
    command(verbs, "list", "列出授权 list the grants", _list)
    add = asking(verbs, "add", "授予租户账号权限 grant a right to a tenant's account", _add)
    add.add_argument("account", help="账号 account, of the role tenant")
    add.add_argument("--right", required=True, choices=RIGHTS, help="权限 right")
    add.add_argument("--path", required=True, help=PATH_HELP)
    gone = asking(verbs, "remove", "收回授权，立即生效 take a grant back, at once", _remove)
    gone.add_argument("grant", help="ID")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/grants")["items"], args.format, COLUMNS)


def _add(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"account": args.account, "right": args.right, "path": args.path}
    return finish(args, here, here.write("POST", "/grants", body))


def _remove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/grants/{args.grant}"))

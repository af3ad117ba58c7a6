"""`hbox console`: who looks at which machine; cut one."""

import argparse
from typing import Any

from controller.cli.form import Verbs, box, command
from controller.cli.output import show

COLUMNS = (
    ("开始 asked", "asked_at"),
    ("账号 who", "account"),
    ("虚拟机 machine", "vm_name"),
    ("控制台 what", "kind"),
    ("状态 state", "state"),
    ("来源 from", "peer"),
    ("结束 closed", "closed_at"),
    ("收 in", "bytes_in"),
    ("发 out", "bytes_out"),
    ("原因 why", "why"),
    ("ID", "id"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox console`."""
    listing = command(verbs, "list", "列出控制台会话 list the console sessions", _list)
    listing.add_argument("--vm", default="", help="虚拟机 ID only of this machine (its id)")
    listing.add_argument("--living", action="store_true", help="只列进行中的 only those that go on")
    cut = command(verbs, "cut", "断开控制台会话 cut a session", _cut)
    cut.add_argument("session", help="会话 ID the session's id")


def _list(args: argparse.Namespace) -> None:
    asked = [f"vm={args.vm}"] if args.vm else []
    asked += ["living=true"] if args.living else []
    address = "/consoles" + (f"?{'&'.join(asked)}" if asked else "")
    show(box(args).get(address)["items"], args.format, COLUMNS)


def _cut(args: argparse.Namespace) -> None:
    cut = box(args).ask("DELETE", f"/api/v1/consoles/{args.session}").json()
    show(cut, args.format, COLUMNS)

"""`hbox tenant`: list with usage, set limits, remove."""

import argparse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

COLUMNS = (
    ("租户 tenant", "name"),
    ("虚拟机 VMs", "used.vms"),
    ("上限 limit", "limits.vms"),
    ("vCPU", "used.vcpus"),
    ("上限 limit", "limits.vcpus"),
    ("内存 memory MiB", "used.memory_mib"),
    ("上限 limit", "limits.memory_mib"),
    ("磁盘 disk GiB", "used.disk_gib"),
    ("上限 limit", "limits.disk_gib"),
)
_LIMITS = (
    ("--vms", "虚拟机数上限 most machines"),
    ("--vcpus", "vCPU 上限 most virtual CPUs"),
    ("--memory", "内存上限 most memory, MiB"),
    ("--disk", "磁盘上限 most disk, GiB"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox tenant`."""
    command(verbs, "list", "列出租户及用量（上限 0 为不限） list tenants; limit 0: none", _list)
    shown = command(verbs, "show", "查看租户 show one", _show)
    shown.add_argument("name", help="名称 name")
    made = asking(verbs, "set", "创建租户或设置上限 make a tenant, or set its limits", _set)
    made.add_argument("name", help="名称 name: a-z, 0-9, -")
    for option, text in _LIMITS:
        made.add_argument(option, type=int, default=0, help=f"{text}; 0 = 不限 none")
    gone = asking(verbs, "remove", "移除租户 remove a tenant", _remove)
    gone.add_argument("name", help="名称 name")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/tenants")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    show(box(args).get(f"/tenants/{args.name}"), args.format, COLUMNS)


def _set(args: argparse.Namespace) -> int:
    here = box(args)
    body = {
        "name": args.name,
        "vms": args.vms,
        "vcpus": args.vcpus,
        "memory_mib": args.memory,
        "disk_gib": args.disk,
    }
    return finish(args, here, here.write("POST", "/tenants", body))


def _remove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/tenants/{args.name}"))

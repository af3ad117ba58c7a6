"""`hbox vm`: list, show, create, start, stop, delete virtual machines."""

import argparse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

COLUMNS = (
    ("名称 name", "name"),
    ("区 zone", "zone"),
    ("地址 address", "address"),
    ("应为 wished", "wished"),
    ("实为 actual", "actual"),
    ("代理 agent", "agent"),
    ("模块 module", "module"),
    ("节点 node", "node"),
)
DETAILS = (
    *COLUMNS,
    ("vCPU", "vcpus"),
    ("内存 memory MiB", "memory_mib"),
    ("磁盘 disk GiB", "disk_gib"),
    ("MAC", "mac"),
    ("ID", "id"),
    ("版本 version", "version"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox vm`."""
    listing = command(verbs, "list", "列出虚拟机 list virtual machines", _list)
    listing.add_argument("--zone", choices=("intranet", "extranet"), help="区 zone")
    command(verbs, "show", "查看虚拟机 show one", _show).add_argument("vm", help="名称 name or id")
    made = asking(verbs, "create", "创建虚拟机 create a virtual machine", _create)
    made.add_argument("name", help="名称 name: a-z, 0-9, -")
    made.add_argument("--zone", required=True, choices=("intranet", "extranet"), help="区 zone")
    made.add_argument("--node", default="", help="节点 node; default: the box chooses")
    made.add_argument("--vcpus", type=int, default=1, help="虚拟 CPU 数 virtual CPUs")
    made.add_argument("--memory", type=int, default=512, help="内存 memory, MiB")
    made.add_argument("--disk", type=int, default=4, help="磁盘 disk, GiB")
    made.add_argument("--stopped", action="store_true", help="创建后不启动 do not start it")
    asking(verbs, "start", "启动 start", _start).add_argument("vm", help="名称 name or id")
    stop = asking(verbs, "stop", "停止 stop", _stop)
    stop.add_argument("vm", help="名称 name or id")
    stop.add_argument("--force", action="store_true", help="强制断电 cut its power")
    gone = asking(verbs, "delete", "删除虚拟机及磁盘 delete it with its disks", _delete)
    gone.add_argument("vm", help="名称 name or id")


def _list(args: argparse.Namespace) -> None:
    zone = f"?zone={args.zone}" if args.zone else ""
    show(box(args).get(f"/vms{zone}")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    show(box(args).get(f"/vms/{args.vm}"), args.format, DETAILS)


def _create(args: argparse.Namespace) -> int:
    here = box(args)
    body = {
        "name": args.name,
        "zone": args.zone,
        "node": args.node,
        "vcpus": args.vcpus,
        "memory_mib": args.memory,
        "disk_gib": args.disk,
        "start": not args.stopped,
    }
    return finish(args, here, here.write("POST", "/vms", body))


def _start(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/start"))


def _stop(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/stop", {"force": args.force}))


def _delete(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/vms/{args.vm}"))

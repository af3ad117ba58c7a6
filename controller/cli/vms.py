"""`hbox vm`: list, show, create, start, stop, pause, resume, reset, delete virtual machines."""

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance.errors import BadInput
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
    ("存储 storage", "storage"),
    ("模板 template", "template_id"),
    ("租户 tenant", "tenant"),
    ("反亲和 apart", "apart"),
    ("差异 drift", "drift"),
    ("待生效 pending", "pending"),
    ("MAC", "mac"),
    ("ID", "id"),
    ("版本 version", "version"),
)
_POWER = (
    ("start", "启动 start"),
    ("pause", "暂停 pause: hold its processors"),
    ("resume", "恢复 resume a paused one"),
    ("reset", "复位 reset: boot anew without a shutdown"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox vm` that are about one machine's life."""
    listing = command(verbs, "list", "列出虚拟机 list virtual machines", _list)
    listing.add_argument("--zone", choices=("intranet", "extranet"), help="区 zone")
    listing.add_argument("--node", help="节点 node")
    listing.add_argument("--tenant", help="租户 tenant")
    command(verbs, "show", "查看虚拟机 show one", _show).add_argument("vm", help="名称 name or id")
    _creation(asking(verbs, "create", "创建虚拟机 create a virtual machine", _create))
    for name, text in _POWER:
        asking(verbs, name, text, _power).set_defaults(verb=name)
        verbs.choices[name].add_argument("vm", help="名称 name or id")
    stop = asking(verbs, "stop", "停止 stop", _stop)
    stop.add_argument("vm", help="名称 name or id")
    stop.add_argument("--force", action="store_true", help="强制断电 cut its power")
    gone = asking(verbs, "delete", "删除虚拟机及磁盘 delete it with its disks", _delete)
    gone.add_argument("vm", help="名称 name or id")


def _creation(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", help="名称 name: a-z, 0-9, -")
    made.add_argument("--zone", required=True, choices=("intranet", "extranet"), help="区 zone")
    made.add_argument("--node", default="", help="节点 node; default: the box chooses")
    made.add_argument("--vcpus", type=int, default=1, help="虚拟 CPU 数 virtual CPUs")
    made.add_argument("--memory", type=int, default=512, help="内存 memory, MiB")
    made.add_argument("--disk", type=int, default=4, help="磁盘 disk, GiB")
    made.add_argument("--storage", default="", help="存储 storage: dir, rbd; default: rbd if there")
    made.add_argument("--template", default="", help="模板 template: name or id")
    made.add_argument("--tenant", default="", help="租户 tenant")
    made.add_argument("--apart", default="", help="反亲和组 machines of one group, different nodes")
    made.add_argument("--user-data", help="cloud-init 文件 a #cloud-config file; - for stdin")
    made.add_argument("--stopped", action="store_true", help="创建后不启动 do not start it")


def _list(args: argparse.Namespace) -> None:
    given = {name: getattr(args, name) for name in ("zone", "node", "tenant")}
    query = "&".join(f"{name}={value}" for name, value in given.items() if value)
    show(box(args).get(f"/vms?{query}" if query else "/vms")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    vm = box(args).get(f"/vms/{args.vm}")
    show(vm, args.format, DETAILS)
    if args.format != "table":
        return
    nics = (("网卡 interface", "id"), ("地址 address", "address"), ("MAC", "mac"))
    disks = (("磁盘 disk", "id"), ("存储 storage", "storage"), ("GiB", "size_gib"))
    show(vm["nics"], args.format, nics)
    show(vm["disks"], args.format, disks)
    placement(vm["placement"])


def placement(told: dict[str, Any] | None) -> None:
    """Print why a machine is on its node: a line for each node, and what should be known."""
    for verdict in (told or {}).get("verdicts", ()):
        sign = "→" if verdict["node"] == (told or {})["node"] else "✓" if verdict["fits"] else "✗"
        why = "；".join(f"{text['zh']} {text['en']}" for text in verdict["why"])
        sys.stdout.write(f"  {sign} {verdict['node']}: {why}\n")
    for text in (told or {}).get("warnings", ()):
        sys.stdout.write(f"  ! {text['zh']} {text['en']}\n")


def _create(args: argparse.Namespace) -> int:
    here = box(args)
    body = {
        "name": args.name,
        "zone": args.zone,
        "node": args.node,
        "vcpus": args.vcpus,
        "memory_mib": args.memory,
        "disk_gib": args.disk,
        "storage": args.storage,
        "template": args.template,
        "tenant": args.tenant,
        "apart": args.apart,
        "user_data": _user_data(args.user_data),
        "start": not args.stopped,
    }
    return finish(args, here, here.write("POST", "/vms", body))


def _user_data(path: str | None) -> str:
    if not path:
        return ""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(what=path, why=str(error)) from error


def _power(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/{args.verb}"))


def _stop(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/stop", {"force": args.force}))


def _delete(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/vms/{args.vm}"))

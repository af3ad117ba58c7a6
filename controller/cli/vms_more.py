"""`hbox vm`: resize, nic, snapshot, clone, migrate, place, drift, mend, accept."""

import argparse
import urllib.parse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show
from controller.cli.vms import placement

_VM = "名称 name or id"


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox vm` that change a machine's shape, place or past."""
    _shapes(verbs)
    _snapshots(group(verbs, "snapshot", "快照 snapshots of all its disks"))
    _places(verbs)
    _drifts(verbs)


def _shapes(verbs: "Verbs[Any]") -> None:
    size = asking(verbs, "resize", "调整规格 change processors and memory", _resize)
    size.add_argument("vm", help=_VM)
    size.add_argument("--vcpus", type=int, help="虚拟 CPU 数 virtual CPUs")
    size.add_argument("--memory", type=int, help="内存 memory, MiB")
    nics = group(verbs, "nic", "网卡 further network interfaces")
    add = asking(nics, "add", "添加网卡 add one, in the machine's own zone", _add_nic)
    add.add_argument("vm", help=_VM)
    gone = asking(nics, "remove", "移除网卡 remove one", _remove_nic)
    gone.add_argument("vm", help=_VM)
    gone.add_argument("nic", help="网卡 id")


def _snapshots(verbs: "Verbs[Any]") -> None:
    command(verbs, "list", "列出快照 list them", _list).add_argument("vm", help=_VM)
    for name, text, run in (
        ("take", "建立快照 take one", _take),
        ("rollback", "回滚（须关机）bring it back; the machine must be off", _roll_back),
        ("drop", "删除快照 drop one", _drop),
    ):
        made = asking(verbs, name, text, run)
        made.add_argument("vm", help=_VM)
        made.add_argument("snapshot", help="快照名称 name")


def _places(verbs: "Verbs[Any]") -> None:
    clone = asking(verbs, "clone", "克隆 clone: another machine, left off", _clone)
    clone.add_argument("vm", help=f"来源 origin: {_VM}")
    clone.add_argument("name", help="新名称 name of the clone")
    clone.add_argument("--full", action="store_true", help="完整副本 copies of its own, not linked")
    clone.add_argument("--snapshot", default="", help="来源快照 from this snapshot")
    clone.add_argument("--node", default="", help="节点 node; default: the box chooses")
    move = asking(verbs, "migrate", "迁移 move to another node, running or off", _migrate)
    move.add_argument("vm", help=_VM)
    move.add_argument("--node", default="", help="目标节点 target; default: the box chooses")
    place = command(verbs, "place", "预览放置 see where one would go, and why", _place)
    place.add_argument("--dry-run", action="store_true", help="（总是）always so: nothing is made")
    place.add_argument("--vcpus", type=int, default=1, help="虚拟 CPU 数 virtual CPUs")
    place.add_argument("--memory", type=int, default=512, help="内存 memory, MiB")
    place.add_argument("--storage", default="", help="存储 storage: dir, rbd")
    place.add_argument("--apart", default="", help="反亲和组 group whose machines are kept apart")


def _drifts(verbs: "Verbs[Any]") -> None:
    drift = command(verbs, "drift", "列出与期望不一致者 list what is not as wished", _drift)
    drift.add_argument("vm", nargs="?", help=_VM)
    mend = asking(verbs, "mend", "恢复为期望状态 bring back to what is wished", _decide)
    accept = asking(verbs, "accept", "接受实际状态 accept as it really is", _decide)
    for name, made in (("mend", mend), ("accept", accept)):
        made.set_defaults(verb=name)
        made.add_argument("vm", help=_VM)


def _resize(args: argparse.Namespace) -> int:
    here = box(args)
    given = {"vcpus": args.vcpus, "memory_mib": args.memory}
    body = {name: value for name, value in given.items() if value is not None}
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/resize", body))


def _add_nic(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/nics", {}))


def _remove_nic(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/vms/{args.vm}/nics/{args.nic}"))


def _list(args: argparse.Namespace) -> None:
    columns = (
        ("名称 name", "name"),
        ("状态 state", "state"),
        ("静默 frozen", "frozen"),
        ("创建 taken", "created_at"),
        ("ID", "id"),
    )
    show(box(args).get(f"/vms/{args.vm}/snapshots")["items"], args.format, columns)


def _take(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"name": args.snapshot}
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/snapshots", body))


def _roll_back(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/vms/{args.vm}/snapshots/{args.snapshot}/rollback"
    return finish(args, here, here.write("POST", address))


def _drop(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/vms/{args.vm}/snapshots/{args.snapshot}"))


def _clone(args: argparse.Namespace) -> int:
    here = box(args)
    body = {"name": args.name, "full": args.full, "snapshot": args.snapshot, "node": args.node}
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/clone", body))


def _migrate(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/migrate", {"node": args.node}))


def _place(args: argparse.Namespace) -> None:
    asked = {"vcpus": args.vcpus, "memory_mib": args.memory}
    more = {"storage": args.storage, "apart": args.apart}
    query = urllib.parse.urlencode({**asked, **{k: v for k, v in more.items() if v}})
    told = box(args).get(f"/placement?{query}")
    show(told, args.format, (("节点 node", "node"), ("存储 storage", "storage")))
    if args.format == "table":
        placement(told)


def _drift(args: argparse.Namespace) -> None:
    items = box(args).get("/drift")["items"]
    if args.vm:
        items = [one for one in items if args.vm in (one["id"], one["name"])]
    columns = (
        ("名称 name", "name"),
        ("节点 node", "node"),
        ("可接受 acceptable", "acceptable"),
        ("差异 [应为, 实为] drift [wished, actual]", "drift"),
    )
    show(items, args.format, columns)


def _decide(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/vms/{args.vm}/{args.verb}"))

"""`hbox storage`: set up, list, show replicated storage; list, add, remove, replace its disks."""

import argparse
from typing import Any

from appliance.errors import BadInput, NotFound
from controller.cli.client import Box
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

STATES = {
    "making": "建立中",
    "ok": "完好",
    "degraded": "副本缺失，修复中",
    "no_spare": "副本缺失，无处可补",
    "full": "超过容量上限",
    "error": "故障",
}
COLUMNS = (
    ("存储 storage", "name"),
    ("类型 kind", "kind"),
    ("状态 state", "state_text"),
    ("起始 since", "since"),
    ("容量 capacity MiB", "facts.capacity"),
    ("已用 used MiB", "facts.used"),
    ("上限 ceiling MiB", "facts.ceiling"),
)
DETAILS = (
    *COLUMNS,
    ("健康 health", "facts.health"),
    ("待办 needs", "facts.needs"),
    ("告警 checks", "facts.checks"),
    ("缺失 missing MiB", "facts.missing_mib"),
    ("预计修复 repair s", "facts.repair_seconds"),
    ("节点 nodes", "facts.nodes"),
    ("法定 quorum", "facts.quorum"),
    ("查看于 seen at", "facts_at"),
)
DISKS = (
    ("编号 osd", "osd"),
    ("节点 node", "node"),
    ("路径 path", "path"),
    ("大小 size MiB", "size_mib"),
    ("序列号 serial", "serial"),
    ("状态 state", "state"),
    ("起始 since", "since"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox storage`."""
    command(verbs, "list", "列出共享存储 list the storages", _list)
    shown = command(verbs, "show", "查看共享存储 show one", _show)
    shown.add_argument("storage", nargs="?", default="rbd", help="名称 name; default: rbd")
    made = asking(verbs, "setup", "建立三副本存储 set up replicated storage", _setup)
    made.add_argument("--node", action="append", required=True, help="节点 node, at least three")
    made.add_argument(
        "--disk",
        action="append",
        required=True,
        metavar="NODE:PATH",
        help="磁盘（数据将被清除）a whole, empty disk",
    )
    disks = group(verbs, "disk", "存储的磁盘 the storage's disks")
    command(disks, "list", "列出磁盘 list the disks", _disks)
    new = asking(disks, "add", "添加磁盘 add a disk", _add)
    new.add_argument("disk", metavar="NODE:PATH")
    gone = asking(disks, "remove", "移除磁盘 remove a disk once it is empty", _remove)
    gone.add_argument("disk", help="编号 number, or NODE:PATH")
    other = asking(disks, "replace", "更换故障磁盘 replace a failed disk", _replace)
    other.add_argument("disk", help="编号 number, or NODE:PATH")
    other.add_argument("--path", required=True, help="新磁盘路径 path of the new disk, same node")


def _list(args: argparse.Namespace) -> None:
    items = box(args).get("/storages")["items"]
    show([_worded(one) for one in items], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    show(_worded(box(args).get(f"/storages/{args.storage}")), args.format, DETAILS)


def _worded(storage: dict[str, Any]) -> dict[str, Any]:
    return storage | {"state_text": f"{STATES[storage['state']]} {storage['state']}"}


def _setup(args: argparse.Namespace) -> int:
    body = {"nodes": args.node, "disks": [_disk(one) for one in args.disk]}
    here = box(args)
    return finish(args, here, here.write("POST", "/storages", body))


def _disks(args: argparse.Namespace) -> None:
    show(box(args).get("/storages/rbd/disks")["items"], args.format, DISKS)


def _add(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", "/storages/rbd/disks", _disk(args.disk)))


def _remove(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/storages/rbd/disks/{_number(here, args.disk)}/remove"
    return finish(args, here, here.write("POST", address))


def _replace(args: argparse.Namespace) -> int:
    here = box(args)
    address = f"/storages/rbd/disks/{_number(here, args.disk)}/replace"
    return finish(args, here, here.write("POST", address, {"path": args.path}))


def _disk(text: str) -> dict[str, str]:
    node, colon, path = text.partition(":")
    if not colon:
        raise BadInput(what="--disk", why=f"{text!r} 不是 is not NODE:PATH")
    return {"node": node, "path": path}


def _number(here: Box, disk: str) -> str:
    """Return the number of a disk that is named by node and path."""
    if ":" not in disk:
        return disk.removeprefix("osd.")
    found = here.get("/storages/rbd/disks")["items"]
    for one in found:
        if one["id"] == disk and one["osd"] is not None:
            return str(one["osd"])
    raise NotFound(what="磁盘 disk", name=disk)

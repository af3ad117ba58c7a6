"""`hbox volume`: list, show, create, attach, detach, grow, snapshot, clone, move, delete, evidence."""

import argparse
from typing import Any

from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

COLUMNS = (
    ("名称 name", "name"),
    ("种类 kind", "kind"),
    ("GiB", "size_gib"),
    ("存储 storage", "storage"),
    ("节点 node", "node"),
    ("虚拟机 machine", "vm_id"),
    ("状态 actual", "actual"),
    ("快照 snapshots", "snapshots"),
    ("ID", "id"),
)
DETAILS = (
    *COLUMNS,
    ("序列号 serial", "serial"),
    ("租户 tenant", "tenant"),
    ("底 rests on", "parent"),
    ("应为 wished", "wished"),
    ("版本 version", "version"),
)
ERASED = (
    ("编号 number", "number"),
    ("时间 at", "at"),
    ("事项 what", "what"),
    ("卷 volume", "volume"),
    ("存储 storage", "storage"),
    ("节点 node", "node"),
    ("方法 method", "method"),
    ("字节 bytes", "bytes"),
    ("回读 read back", "verified"),
    ("任务 job", "job"),
    ("操作人 actor", "actor"),
    ("凭据有效 valid", "valid"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox volume`."""
    listing = command(verbs, "list", "列出卷 list the volumes", _list)
    listing.add_argument("--kind", choices=("system", "seed", "data"), help="种类 kind")
    _named(command(verbs, "show", "查看卷 show a volume", _show))
    _creation(asking(verbs, "create", "建立卷 create a volume", _create))
    attach = _named(asking(verbs, "attach", "接入虚拟机 attach it to a machine", _attach))
    attach.add_argument("vm", help="虚拟机 machine")
    _named(asking(verbs, "detach", "从虚拟机取下 detach it", _detach))
    grow = _named(asking(verbs, "grow", "扩大 enlarge it", _grow))
    grow.add_argument("gib", type=int, help="新容量 new size, GiB")
    _kept(group(verbs, "snapshot", "快照 snapshots of one volume"))
    clone = _named(asking(verbs, "clone", "克隆 clone it", _clone))
    clone.add_argument("name", help="新卷名称 the new volume's name")
    clone.add_argument("--snapshot", default="", help="快照 snapshot to start from")
    clone.add_argument("--full", action="store_true", help="完整复制 a full, independent copy")
    move = _named(asking(verbs, "move", "移动到其他存储 move it to another storage", _move))
    move.add_argument("storage", choices=("dir", "rbd"), help="存储 storage")
    move.add_argument("--node", default="", help="节点（dir） node, for dir")
    _named(asking(verbs, "delete", "删除并清除内容 delete it and erase its content", _delete))
    erased = command(verbs, "erased", "清除凭据 evidence of erased volumes", _erased)
    erased.add_argument("volume", nargs="?", default="", help="卷 volume id")


def _named(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    made.add_argument("volume", help="名称、ID 或 MACHINE.system name, id, or MACHINE.system")
    return made


def _creation(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", help="名称 name")
    made.add_argument("gib", type=int, help="容量 size, GiB")
    made.add_argument("--storage", default="dir", choices=("dir", "rbd"), help="存储 storage")
    made.add_argument("--node", default="", help="节点（dir） node, for dir")
    made.add_argument("--tenant", default="", help="租户 tenant")


def _kept(verbs: "Verbs[Any]") -> None:
    for name, text, run in (
        ("take", "建立快照 keep the present state", _take),
        ("rollback", "回滚（须关机） bring it back; its machine must be off", _back),
        ("drop", "删除快照 forget it", _drop),
    ):
        _named(asking(verbs, name, text, run)).add_argument("name", help="快照名 snapshot")


def _list(args: argparse.Namespace) -> None:
    query = f"?kind={args.kind}" if args.kind else ""
    show(box(args).get(f"/volumes{query}")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    show(box(args).get(f"/volumes/{_path(args)}"), args.format, DETAILS)


def _create(args: argparse.Namespace) -> int:
    names = ("name", "gib", "storage", "node", "tenant")
    return _write(args, "POST", "", {name: getattr(args, name) for name in names})


def _attach(args: argparse.Namespace) -> int:
    return _write(args, "POST", f"/{_path(args)}/attach", {"vm": args.vm})


def _detach(args: argparse.Namespace) -> int:
    return _write(args, "POST", f"/{_path(args)}/detach")


def _grow(args: argparse.Namespace) -> int:
    return _write(args, "POST", f"/{_path(args)}/grow", {"gib": args.gib})


def _take(args: argparse.Namespace) -> int:
    return _write(args, "POST", f"/{_path(args)}/snapshots", {"name": args.name})


def _back(args: argparse.Namespace) -> int:
    return _write(args, "POST", f"/{_path(args)}/snapshots/{args.name}/rollback")


def _drop(args: argparse.Namespace) -> int:
    return _write(args, "DELETE", f"/{_path(args)}/snapshots/{args.name}")


def _clone(args: argparse.Namespace) -> int:
    body = {"name": args.name, "snapshot": args.snapshot, "full": args.full}
    return _write(args, "POST", f"/{_path(args)}/clone", body)


def _move(args: argparse.Namespace) -> int:
    body = {"storage": args.storage, "node": args.node}
    return _write(args, "POST", f"/{_path(args)}/move", body)


def _delete(args: argparse.Namespace) -> int:
    return _write(args, "DELETE", f"/{_path(args)}")


def _erased(args: argparse.Namespace) -> None:
    query = f"?volume={args.volume}" if args.volume else ""
    show(box(args).get(f"/erasures{query}")["items"], args.format, ERASED)


def _path(args: argparse.Namespace) -> str:
    """Return the volume as an address names it: a data volume's id without its kind."""
    name: str = args.volume
    return name.removesuffix("/data").replace("/", ".")


def _write(
    args: argparse.Namespace, method: str, address: str, body: dict[str, Any] | None = None
) -> int:
    here = box(args)
    return finish(args, here, here.write(method, f"/volumes{address}", body))

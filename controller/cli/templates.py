"""`hbox template`: list, show, import, check, remove."""

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance.errors import NotFound
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

COLUMNS = (
    ("名称 name", "name"),
    ("版本 version", "version"),
    ("状态 state", "state"),
    ("启动 boot", "boot"),
    ("MiB", "size_mib"),
    ("校验时间 checked at", "checked_at"),
    ("SHA-256", "digest"),
    ("ID", "id"),
)
DETAILS = (
    *COLUMNS,
    ("签名密钥 signer", "signer"),
    ("签名 signature", "signature"),
    ("来源 source", "source"),
)
_TYPE = {"Content-Type": "application/octet-stream"}


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox template`."""
    command(verbs, "list", "列出模板 list the templates", _list)
    command(verbs, "show", "查看模板 show one", _show).add_argument("template", help="名称 name")
    new = asking(verbs, "import", "导入磁盘镜像（qcow2 或 raw） import a disk image", _import)
    new.add_argument("file", type=Path, help="镜像文件 image file on this machine")
    new.add_argument("--name", required=True, help="名称 name")
    new.add_argument("--version", required=True, help="版本 version")
    boot = "disk：自带引导；kernel：使用医盒内核 its own boot loader, or the box's kernel"
    new.add_argument("--boot", choices=("disk", "kernel"), default="disk", help=boot)
    for name, text, run in (
        ("check", "校验签名与摘要 check signature and digests", _check),
        ("remove", "移除模板 remove it", _remove),
    ):
        asking(verbs, name, text, run).add_argument(
            "template", help="名称或名称:版本 name[:version]"
        )


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/templates")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    show(box(args).get(f"/templates/{args.template}"), args.format, DETAILS)


def _import(args: argparse.Namespace) -> int:
    if not args.file.is_file():
        raise NotFound(what="文件 file", name=args.file)
    here = box(args)
    size = {"Content-Length": str(args.file.stat().st_size)}
    with args.file.open("rb") as file:
        held = here.ask("POST", "/api/v1/templates/uploads", file, _TYPE | size).json()
    sys.stderr.write(f"已上传 uploaded: {held['size']} B, SHA-256 {held['digest']}\n")
    body = {key: getattr(args, key) for key in ("name", "version", "boot")}
    body |= {key: held[key] for key in ("upload", "digest")}
    return finish(args, here, here.write("POST", "/templates", body))


def _check(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", f"/templates/{args.template}/check"))


def _remove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/templates/{args.template}"))

"""`hbox module` on a box: list, show, trust, install, approve, remove, health."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from appliance.errors import NotFound
from controller.cli.client import Box
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

COLUMNS = (
    ("模块 module", "id"),
    ("版本 version", "version"),
    ("厂商 vendor", "vendor"),
    ("状态 state", "state"),
    ("批准人 approved by", "approved_by"),
    ("说明 summary", "summary"),
)
KEYS = (
    ("厂商 vendor", "vendor"),
    ("模块 ids", "ids"),
    ("指纹 fingerprint", "fingerprint"),
    ("添加人 added by", "added_by"),
    ("时间 at", "added_at"),
)
_TYPE = {"Content-Type": "application/vnd.hbox.module"}


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox module` that need a box; the vendor's own come from the SDK."""
    command(verbs, "list", "列出模块 list the modules", _list)
    command(verbs, "show", "查看模块 show a module", _show).add_argument("module")
    command(verbs, "health", "模块健康 a module's health", _health).add_argument("module")
    command(verbs, "keys", "列出受信任的厂商密钥 list the vendor keys that are trusted", _keys)
    trust = asking(verbs, "trust", "信任厂商密钥 trust a vendor's key", _trust)
    trust.add_argument("vendor", help="厂商 vendor")
    trust.add_argument("--key", type=Path, required=True, help="公钥文件 public key, PEM")
    trust.add_argument("--ids", required=True, help="模块标识，逗号分隔 module ids, by comma")
    install = asking(verbs, "install", "安装模块 install a bundle into a machine", _install)
    install.add_argument("bundle", type=Path, help=".hmod 文件 file")
    install.add_argument("--vm", required=True, help="虚拟机 virtual machine, name or id")
    approve = asking(verbs, "approve", "批准模块的数据流 approve a module's flows", _approve)
    approve.add_argument("module")
    remove = asking(verbs, "remove", "移除模块 remove a module", _remove)
    remove.add_argument("module")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/modules")["items"], args.format, COLUMNS)


def _show(args: argparse.Namespace) -> None:
    more = (("摘要 digest", "digest"), ("密钥 key", "key"), ("健康 health", "health"))
    show(box(args).get(f"/modules/{args.module}"), args.format, (*COLUMNS, *more))


def _health(args: argparse.Namespace) -> None:
    found = box(args).get(f"/modules/{args.module}")
    told = {name: found[name] for name in ("id", "version", "state", "health", "health_at")}
    columns = (("模块 module", "id"), ("健康 health", "health"), ("时间 at", "health_at"))
    show(told, args.format, columns)


def _keys(args: argparse.Namespace) -> None:
    show(box(args).get("/vendor-keys")["items"], args.format, KEYS)


def _trust(args: argparse.Namespace) -> int:
    here = box(args)
    ids = [part.strip() for part in args.ids.split(",")]
    body = {"vendor": args.vendor, "pem": _file(args.key).read_text("ascii"), "ids": ids}
    return finish(args, here, here.write("POST", "/vendor-keys", body))


def _install(args: argparse.Namespace) -> int:
    here = box(args)
    held = _upload(here, _file(args.bundle))
    body = {"vm": args.vm, **{key: held[key] for key in ("module_id", "upload", "digest")}}
    return finish(args, here, here.write("POST", "/modules", body))


def _upload(here: Box, path: Path) -> dict[str, Any]:
    size = {"Content-Length": str(path.stat().st_size)}
    with path.open("rb") as file:
        held: dict[str, Any] = here.ask("POST", "/api/v1/uploads", file, _TYPE | size).json()
    sys.stderr.write(f"已上传 uploaded: {held['module_id']} {held['version']}, {held['size']} B\n")
    return held


def _approve(args: argparse.Namespace) -> int:
    here = box(args)
    found = here.get(f"/modules/{args.module}")
    for flow in found["manifest"].get("flows", ()):
        sys.stderr.write(f"  → {json.dumps(flow, ensure_ascii=False)}\n")
    body = {"digest": found["digest"]}  # exactly what was shown
    return finish(args, here, here.write("POST", f"/modules/{args.module}/approve", body))


def _remove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("DELETE", f"/modules/{args.module}"))


def _file(path: Path) -> Path:
    if not path.is_file():
        raise NotFound(what="文件 file", name=path)
    return path

"""`hbox gateway signatures`: the scanner's virus signatures, brought in by hand on a closed network."""

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance.errors import NotFound
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command, group
from controller.cli.output import show

SIGNATURES = (
    ("文件 file", "name"),
    ("字节 bytes", "size"),
    ("厂商签名 signed", "signed"),
    ("版本 version", "version"),
    ("制作 built", "built"),
    ("条数 signatures", "count"),
    ("导入 taken", "taken_at"),
)
_TYPE = {"Content-Type": "application/vnd.hbox.signatures"}


def register(verbs: "Verbs[Any]") -> None:
    """Add the words below `hbox gateway signatures`."""
    own = group(verbs, "signatures", "病毒库 virus signatures")
    command(own, "list", "列出病毒库 list the signatures", _list)
    made = asking(own, "import", "导入病毒库文件（U 盘） take a file, from a stick", _import)
    made.add_argument("file", type=Path, help=".cvd, .ndb, .hdb, .hsb, .ldb")


def _list(args: argparse.Namespace) -> None:
    show(box(args).get("/gateway/signatures")["items"], args.format, SIGNATURES)


def _import(args: argparse.Namespace) -> int:
    if not args.file.is_file():
        raise NotFound(what="文件 file", name=args.file)
    here = box(args)
    size = {"Content-Length": str(args.file.stat().st_size)}
    with args.file.open("rb") as file:
        address = "/api/v1/gateway/signatures/uploads"
        held: dict[str, Any] = here.ask("POST", address, file, _TYPE | size).json()
    sys.stderr.write(f"已上传 uploaded: {args.file.name}, {held['size']} B\n")
    body = {"name": args.file.name, "upload": held["upload"], "digest": held["digest"]}
    return finish(args, here, here.write("POST", "/gateway/signatures", body))

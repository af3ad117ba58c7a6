"""`hbox gateway`: channels, transfers, proofs; prove and verify."""

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance.settings import load
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

CHANNELS = (
    ("通道 channel", "id"),
    ("方向 direction", "direction"),
    ("方式 lane", "lane"),
    ("请求 method", "method"),
    ("路径 path", "path"),
    ("来源 peer", "peer"),
    ("数据级别 class", "data_class"),
    ("批准人 approver", "approver"),
)
TRANSFERS = (
    ("编号 number", "number"),
    ("时间 at", "at"),
    ("通道 channel", "channel"),
    ("方向 direction", "direction"),
    ("裁决 verdict", "verdict"),
    ("规则 rule", "rule"),
    ("字节 bytes", "size"),
    ("状态 state", "state"),
    ("毫秒 ms", "latency_ms"),
)
PROOFS = (
    ("时间 at", "at"),
    ("级别 level", "level"),
    ("敞开的通路 open ways", "open_ways"),
    ("ID", "id"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox gateway`."""
    command(verbs, "channels", "列出通道 list the channels", _channels)
    moved = command(verbs, "transfers", "列出传输记录 list what met the gateway", _transfers)
    moved.add_argument("--limit", type=int, default=50, help="条数 how many")
    moved.add_argument("--channel", help="通道 channel")
    moved.add_argument("--verdict", help="裁决 verdict")
    command(verbs, "proofs", "列出隔离证明 list the proofs", _proofs)
    asking(verbs, "prove", "证明内外网隔离 prove that nothing else crosses", _prove)
    verify = command(verbs, "verify", "校验网关日志（root） verify the journal, as root", _verify)
    verify.add_argument("--journal", type=Path, default=Path("/var/lib/hbox/gateway/journal"))


def _channels(args: argparse.Namespace) -> None:
    show(box(args).get("/gateway/channels")["items"], args.format, CHANNELS)


def _transfers(args: argparse.Namespace) -> None:
    wanted = f"?limit={args.limit}"
    wanted += f"&channel={args.channel}" if args.channel else ""
    wanted += f"&verdict={args.verdict}" if args.verdict else ""
    show(box(args).get(f"/gateway/transfers{wanted}")["items"], args.format, TRANSFERS)


def _proofs(args: argparse.Namespace) -> None:
    show(box(args).get("/gateway/proofs")["items"], args.format, PROOFS)


def _prove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", "/gateway/proofs"))


def _verify(args: argparse.Namespace) -> int:
    from controller.workers.index import noted_head
    from network.gateway import transfers

    head = transfers.verify(args.journal, noted_head(load().state))
    sys.stdout.write(f"网关日志完整 the journal holds: {head.number} {head.chain}\n")
    return 0

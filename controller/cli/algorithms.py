"""`hbox gateway algorithms`: every cryptographic algorithm in use on this box, tried where that can be done."""

import argparse
import os
from dataclasses import asdict
from typing import Any

from appliance.errors import Text, Unavailable
from appliance.settings import load
from controller.cli.form import Verbs, command
from controller.cli.output import show

USES = (
    ("用途 purpose", "purpose"),
    ("算法 algorithm", "algorithm"),
    ("国密 national", "national"),
    ("标准 standard", "standard"),
    ("依据 seen", "seen"),
    ("程序库 library", "library"),
    ("备注 detail", "detail"),
)


class NeedsRoot(Unavailable):
    """Only root may read what this looks at: an answer without it would not be true."""

    code = "cli.needs_root"
    text = Text("{what} 需要 root：{why}", "{what} needs root: {why}")
    hint = Text("请以 root 在医盒节点上运行。", "Run it as root on a node of the box.")


def register(verbs: "Verbs[Any]") -> None:
    """Add `algorithms` to the verbs of `hbox gateway`."""
    command(verbs, "algorithms", "在用密码算法清单（root） algorithms in use, as root", _algorithms)


def _algorithms(args: argparse.Namespace) -> None:
    from controller.access.passwords import parameters
    from network.gateway.algorithms import Places, inventory

    if os.geteuid() != 0:
        raise NeedsRoot(what="hbox gateway algorithms", why="它试用密钥 it tries the keys")
    settings = load()
    places = Places(
        keys=settings.keys,
        tls=settings.state / "tls",
        console=("127.0.0.1", settings.console_port),
        passwords=parameters(),
    )
    show([asdict(use) for use in inventory(places)], args.format, USES)

"""`hbox gateway`: channels, transfers, proofs; prove and verify."""

import argparse
from typing import Any

from controller.cli import (
    algorithms,
    changes,
    channels,
    dead,
    evidence,
    peers,
    signatures,
    supervision,
)
from controller.cli.follow import finish
from controller.cli.form import Verbs, asking, box, command
from controller.cli.output import show

PROOFS = (
    ("时间 at", "at"),
    ("级别 level", "level"),
    ("敞开的通路 open ways", "open_ways"),
    ("ID", "id"),
)


def register(verbs: "Verbs[Any]") -> None:
    """Add the verbs of `hbox gateway`."""
    channels.register(verbs)
    changes.register(verbs)
    dead.register(verbs)
    signatures.register(verbs)
    peers.register(verbs)
    algorithms.register(verbs)
    command(verbs, "proofs", "列出隔离证明 list the proofs", _proofs)
    asking(verbs, "prove", "证明内外网隔离 prove that nothing else crosses", _prove)
    evidence.register(verbs)
    supervision.register(verbs)


def _proofs(args: argparse.Namespace) -> None:
    show(box(args).get("/gateway/proofs")["items"], args.format, PROOFS)


def _prove(args: argparse.Namespace) -> int:
    here = box(args)
    return finish(args, here, here.write("POST", "/gateway/proofs"))

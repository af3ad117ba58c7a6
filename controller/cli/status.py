"""`hbox status`: the box at a glance."""

import argparse
from typing import Any

from controller.cli.form import Verbs, box, command
from controller.cli.output import show

COLUMNS = (
    ("医院 site", "site"),
    ("版本 version", "version"),
    ("节点 nodes", "nodes"),
    ("虚拟机 virtual machines", "vms"),
    ("模块 modules", "modules"),
    ("任务 jobs", "jobs"),
    ("最近等保检查 last compliance run", "last_compliance_at"),
    ("最近隔离证明 last proof", "last_proof_at"),
    ("敞开的通路 open ways", "open_ways"),
)


def register(top: "Verbs[Any]") -> None:
    """Add `hbox status`."""
    command(top, "status", "医盒概况 the box at a glance", _status)


def _status(args: argparse.Namespace) -> None:
    show(box(args).get("/status"), args.format, COLUMNS)

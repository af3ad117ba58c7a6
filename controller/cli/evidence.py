"""`hbox gateway verify`: the journal examined against its sealed heads, on the box or on any other machine."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.errors import NotFound, Text
from appliance.settings import Settings, load
from controller.cli.algorithms import NeedsRoot
from controller.cli.form import Verbs, command
from controller.cli.output import show

if TYPE_CHECKING:
    from network.gateway.examine import Evidence
    from network.gateway.transfers import Head

_FINDING = (
    ("首条记录 first record", "first"),
    ("末条记录 last record", "last"),
    ("链值 chain (SM3)", "chain"),
    ("已封存至 sealed up to", "sealed"),
    ("封存行 sealed heads", "lines"),
    ("外部见证 witnesses", "witnesses"),
    ("已解密正文 bodies opened", "bodies"),
)


class EvidenceAway(NotFound):
    """Journal, heads or public keys are not where they were looked for."""

    code = "cli.evidence_away"
    text = Text("找不到{what}：{name}", "There is no {what}: {name}")
    hint = Text(
        "请在医盒节点上运行，或用 --journal、--heads、--keys 指明抄来的副本。",
        "Run it on a node of the box, or name the copies with --journal, --heads, --keys.",
    )


def register(verbs: "Verbs[Any]") -> None:
    """Add `verify` to the verbs of `hbox gateway`."""
    made = command(verbs, "verify", "校验网关日志与封存 verify the journal and its seals", _verify)
    made.add_argument("--journal", type=Path, help="日志目录 the journal's folder")
    made.add_argument("--heads", type=Path, help="封存文件 the file of sealed heads")
    made.add_argument("--keys", type=Path, help="公钥目录 folder with the two .pub files")
    made.add_argument(
        "--syslog",
        type=Path,
        action="append",
        default=[],
        help="日志服务器副本 a syslog file with heads that were sent away; may be given again",
    )
    made.add_argument("--bodies", type=Path, help="日志密钥 journal.key: open every body as well")


def _verify(args: argparse.Namespace) -> int:
    from network.gateway.examine import examine

    settings = load()
    folder = args.journal or settings.state / "gateway" / "journal"
    if not folder.is_dir():
        raise EvidenceAway(what="日志目录 journal", name=folder)
    try:
        found = examine(folder, _evidence(args, settings))
    except PermissionError as error:
        what, why = "hbox gateway verify", f"无权读取 may not read {error.filename}"
        raise NeedsRoot(what=what, why=why) from error
    show(asdict(found), args.format, _FINDING)
    return 0


def _evidence(args: argparse.Namespace, settings: Settings) -> "Evidence":
    from network.gateway import heads, vault
    from network.gateway.examine import Evidence

    here = args.journal is None
    file = args.heads or settings.state / heads.FILE
    keys = args.keys or settings.keys
    try:
        told = file.read_bytes() if args.heads or file.exists() else b""
        verifiers = heads.Verifiers.load(keys)
        lines = [line for path in args.syslog for line in _text(path)]
    except FileNotFoundError as error:
        raise EvidenceAway(what="文件 file", name=error.filename) from error
    return Evidence(
        heads=told,
        keys=verifiers,
        witnesses=tuple(heads.in_syslog(lines)),
        seen=_noted(settings) if here else None,
        vault=vault.load(args.bodies) if args.bodies else None,
    )


def _text(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").splitlines()


def _noted(settings: Settings) -> "Head | None":
    from controller.workers.index import noted_head

    return noted_head(settings.state)

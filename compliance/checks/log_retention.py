"""The journal is kept on disk for at least six months and is closed to others."""

import re

from appliance.errors import Text
from compliance.answers import modes, options
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

LEAST = 512 * 1024**2  # bytes: with less, half a year is a word
HALF_YEAR = 180 * 86400
_UNITS = {"": 1, "s": 1, "min": 60, "h": 3600, "day": 86400, "d": 86400, "week": 604800, "w": 604800,
          "month": 2629800, "m": 60, "year": 31557600, "y": 31557600}  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Judge journald's merged settings and the modes of its files."""
    conf, files = options(proofs[0].out), modes(proofs[1].out)
    faults = []
    if not files or conf.get("storage", "auto") not in ("auto", "persistent"):
        faults.append(Text("日志未持久保存", "the journal is not kept on disk"))
    kept = _seconds(conf.get("maxretentionsec", "0"))
    if 0 < kept < HALF_YEAR:
        faults.append(Text("日志留存不足六个月", "the journal is kept for less than six months"))
    room = re.fullmatch(r"(\d+)([KMGTPE]?)", conf.get("systemmaxuse", "1G").strip().upper())
    if not room or int(room[1]) * 1024 ** " KMGTPE".index(room[2] or " ") < LEAST:
        faults.append(Text("日志容量不足 512M", "the journal has less than 512 MiB of room"))
    if "maxretentionsec" not in conf and "systemmaxuse" not in conf:
        faults.append(Text("未声明留存时间或容量", "neither retention nor size is declared"))
    if any(one.bits & 0o007 for one in files):
        faults.append(Text("日志文件对其他用户开放", "journal files are open to others"))
    return weigh(
        faults,
        4,
        Text("日志持久保存且留存已声明", "The journal is kept on disk, its retention declared"),
    )


def _seconds(text: str) -> int:
    match = re.fullmatch(r"(\d+)\s*([a-z]*)", text.strip())
    if not match:
        return 0
    return int(match[1]) * _UNITS.get(match[2].removesuffix("s") or match[2], 1)


CHECK = Check(
    id="log_retention",
    kind=Kind.HOST,
    title=Text("日志保护与留存", "Logs are protected and kept"),
    items=("8.1.4.3.c", "8.1.5.4.d"),
    questions=(
        command("systemd-analyze", "cat-config", "systemd/journald.conf"),
        command("find", "/var/log/journal", "-type", "f", "-printf", "%m %u %g %p\\n", ok=(0, 1)),
    ),
    judge=judge,
)

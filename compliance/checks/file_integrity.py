"""AIDE knows how the files were, looks every day, and last found nothing."""

import re

from appliance.errors import Text
from compliance.answers import fresh
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

DAILY = 2.0  # days that the last look may lie back


def judge(proofs: Answers) -> Judgement:
    """Judge database, timer, age of the last look and what it found."""
    base, timer, logs, said = proofs[0], proofs[1].out.strip(), proofs[2], proofs[3].out
    faults = []
    if not base.lines():
        faults.append(Text("没有 AIDE 基准库", "there is no AIDE database"))
    if timer != "active":
        faults.append(Text("AIDE 每日检查未启用", "AIDE's daily look is not on"))
    if not fresh(logs.at, logs.out, DAILY):
        faults.append(Text("两天内没有完整性检查", "no integrity check within two days"))
    found = re.findall(r"(Added|Removed|Changed) entries:\s+([1-9]\d*)", said)
    faults += [
        Text(f"完整性检查发现变化：{what} {number}", f"the check found: {what} {number}")
        for what, number in found
    ]
    return weigh(
        faults, 3, Text("文件完整性每日检查且无变化", "Files are checked daily, nothing changed")
    )


CHECK = Check(
    id="file_integrity",
    kind=Kind.HOST,
    title=Text("文件完整性监测（AIDE）", "File integrity is watched (AIDE)"),
    items=("8.1.4.4.f", "8.1.4.7.b"),
    questions=(
        command("find", "/var/lib/aide", "-name", "aide.db*", "-size", "+0", ok=(0, 1)),
        command("systemctl", "is-active", "dailyaidecheck.timer", ok=(0, 3, 4)),
        command("find", "/var/log/aide", "-name", "aide.log", "-printf", "%T@ %p\\n", ok=(0, 1)),
        command("grep", "-hsE", "entries:", "/var/log/aide/aide.log", ok=(0, 1, 2)),
    ),
    judge=judge,
)

"""sudo lets nobody do everything, and nobody anything without a password but with exact arguments."""

import re

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

RULE = re.compile(r"^(\S+)\s+\S+\s*=\s*(?:\(([^)]*)\))?\s*((?:[A-Z]+:\s*)*)(.+)$")
NOT_RULES = (
    "Defaults",
    "@include",
    "#include",
    "User_Alias",
    "Cmnd_Alias",
    "Host_Alias",
    "Runas_Alias",
)


def judge(proofs: Answers) -> Judgement:
    """Judge every rule of sudoers; no sudo on the node gives nobody anything."""
    if not proofs[1].lines():
        return weigh([], 1, Text("未安装 sudo", "There is no sudo on this node"))
    faults, rules = [], 0
    for line in proofs[0].lines():
        counts, fault = _rule(line.strip())
        rules += counts
        faults += [fault] if fault else []
    if not rules:
        return unknown("看不到任何 sudo 规则", "No rule of sudoers can be seen")
    members = proofs[2].out.strip().rpartition(":")[2]
    if members:
        faults.append(
            Text(
                f"sudo 组成员 {members} 可执行任何命令",
                f"of group sudo, may run everything: {members}",
            )
        )
    good = Text(f"{rules} 条 sudo 规则均有限定", f"{rules} sudo rules, each of them limited")
    return weigh(faults, 1, good)


def _rule(bare: str) -> tuple[bool, Text | None]:
    """Return whether the line is a rule, and what is wrong with it."""
    if bare.startswith("Defaults") and "!authenticate" in bare:
        return False, Text(
            "sudo 不要求口令（!authenticate）", "no password is asked (!authenticate)"
        )
    match = RULE.match(bare)
    if bare.startswith(("#", *NOT_RULES)) or not match:
        return False, None
    who, _, tags, what = match.groups()
    if what.strip() == "ALL" and who not in ("root", "%sudo"):
        return True, Text(f"{who} 可执行任何命令", f"{who} may run everything")
    if "NOPASSWD:" in tags and (what.strip() == "ALL" or "*" in what):
        return True, Text(f"{who} 免口令且参数不受限", f"{who}: no password, open arguments")
    return True, None


CHECK = Check(
    id="sudo_rules",
    kind=Kind.HOST,
    title=Text("提权规则受限", "Rules for becoming root are limited"),
    items=("8.1.4.2.a", "8.1.4.2.d"),
    questions=(
        command("sh", "-c", "cat /etc/sudoers /etc/sudoers.d/* 2>/dev/null || true"),
        command("find", "/usr/bin", "-name", "sudo", ok=(0, 1)),
        command("getent", "group", "sudo", ok=(0, 2)),
    ),
    judge=judge,
)

"""sudo lets nobody do everything, and nobody anything without a password but with exact arguments."""

import re

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
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
        bare = line.strip()
        match = RULE.match(bare)
        if bare.startswith(("#", *NOT_RULES)) or not match:
            continue
        rules += 1
        who, _, tags, what = match.groups()
        if what.strip() == "ALL" and who not in ("root", "%sudo"):
            faults.append(Text(f"{who} 可执行任何命令", f"{who} may run everything"))
        elif "NOPASSWD:" in tags and (what.strip() == "ALL" or "*" in what):
            faults.append(Text(f"{who} 免口令且参数不受限", f"{who}: no password, open arguments"))
    good = Text(f"{rules} 条 sudo 规则均有限定", f"{rules} sudo rules, each of them limited")
    return weigh(faults, 1, good)


CHECK = Check(
    id="sudo_rules",
    kind=Kind.HOST,
    title=Text("提权规则受限", "Rules for becoming root are limited"),
    items=("8.1.4.2.a", "8.1.4.2.d"),
    questions=(
        command("sh", "-c", "cat /etc/sudoers /etc/sudoers.d/* 2>/dev/null || true"),
        command("find", "/usr/bin", "-name", "sudo", ok=(0, 1)),
    ),
    judge=judge,
)

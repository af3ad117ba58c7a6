"""Every disk that was deleted was erased first, and signed evidence of it holds."""

import json

from appliance.errors import Text
from compliance.checks.asked import PYTHON
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, unknown, weigh
from compliance.questions import command

ERASED = command(PYTHON, "-I", "-m", "compliance.erased", ok=(0, 1))


def judge(proofs: Answers) -> Judgement:
    """Judge what `compliance.erased` found when it checked signatures, links and read-backs."""
    found = json.loads(proofs[0].out)
    if found["unreadable"]:
        return unknown(
            f"清除凭证读不到：{found['unreadable']}",
            f"The evidence cannot be read: {found['unreadable']}",
        )
    if not found["lines"]:
        return not_applicable("从未删除过磁盘", "No disk was ever deleted")
    faults = [
        Text(f"清除凭证无效：{why}", f"evidence does not hold: {why}") for why in found["faults"]
    ]
    good = Text(
        f"{found['erased']} 个磁盘均已清除并留有签名凭证",
        f"{found['erased']} disks erased, with signed evidence",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="erasures",
    kind=Kind.HYPERVISOR,
    title=Text("磁盘删除前清除", "Disks are erased before they go"),
    items=("8.1.4.10.b", "8.2.4.7.a", "8.2.4.7.b"),
    questions=(ERASED,),
    judge=judge,
)

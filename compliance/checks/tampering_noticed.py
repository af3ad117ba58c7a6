"""Whoever alters the audit chain is noticed: a copy is altered in several ways, and each shows."""

import json

from appliance.errors import Text
from compliance.checks.asked import PYTHON
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge what `compliance.tampering` tried on its copy in memory."""
    found = json.loads(proofs[0].out)
    if not found["tried"]:
        return unknown("审计链为空，无从试改", "The chain is empty: there is nothing to alter")
    faults = [
        Text(f"试改未被发现：{name}", f"went unnoticed: {name}") for name in found["unnoticed"]
    ]
    number = len(found["tried"])
    return weigh(
        faults, 1, Text(f"{number} 种试改均被发现", f"{number} ways to alter it, all noticed")
    )


CHECK = Check(
    id="tampering_noticed",
    kind=Kind.CONTROLLER,
    title=Text("审计记录被改即被发现（试改）", "An altered audit chain is noticed (tried)"),
    items=("8.1.4.3.c", "8.1.10.6.g"),
    questions=(command(PYTHON, "-I", "-m", "compliance.tampering", ok=(0, 1)),),
    judge=judge,
)

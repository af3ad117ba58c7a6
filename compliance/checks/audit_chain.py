"""The controller's audit chain holds from the first entry to its signed seals."""

import json

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

CHAIN = command("/usr/lib/hbox/venv/bin/python", "-I", "-m", "compliance.chain", ok=(0, 1))


def judge(proofs: Answers) -> Judgement:
    """Judge what `compliance.chain` found when it recomputed every link and seal."""
    found = json.loads(proofs[0].out)
    if found["unreadable"]:
        return unknown(
            f"审计链读不到：{found['unreadable']}",
            f"The chain could not be read: {found['unreadable']}",
        )
    faults = [Text(f"审计链断裂：{why}", f"the chain is broken: {why}") for why in found["faults"]]
    if not found["sealed"]:
        faults.append(Text("审计链没有封印", "the chain has never been sealed"))
    sealed, entries = found["sealed"], found["entries"]
    good = Text(
        f"{entries} 条连续，已封印至第 {sealed} 条",
        f"{entries} entries hold, sealed up to {sealed}",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="audit_chain",
    kind=Kind.CONTROLLER,
    title=Text("审计记录防篡改", "The audit trail cannot be altered unseen"),
    items=("8.1.4.3.c", "8.1.4.7.b", "8.1.10.6.g"),
    questions=(CHAIN,),
    judge=judge,
)

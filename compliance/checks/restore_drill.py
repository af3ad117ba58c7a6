"""Bringing the records or a machine back was done within a year, so that it works when it must."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

YEAR = 366.0  # days


def judge(proofs: Answers) -> Judgement:
    """Judge the newest restore, roll-back or drained node on the audit chain."""
    found = rows(proofs[0].out)
    done = [row for row in found if age(proofs[0].at, row["at"]) <= YEAR]
    faults = (
        []
        if done
        else [
            Text("一年内没有恢复或切换演练", "nothing was brought back or moved over within a year")
        ]
    )
    shown = f"{done[0]['act']} {done[0]['at'][:10]}" if done else ""
    return weigh(faults, 1, Text(f"最近演练：{shown}", f"The last one: {shown}"))


CHECK = Check(
    id="restore_drill",
    kind=Kind.CONTROLLER,
    title=Text("恢复演练", "Bringing back was tried"),
    items=("8.1.10.11.c", "8.1.10.13.c"),
    questions=(
        sql(
            "SELECT at, act, object FROM audit WHERE outcome IN ('done', 'succeeded') AND act IN "
            "('records.restore', 'vm.rollback', 'volume.rollback', 'node.drain', 'node.restore') "
            "ORDER BY number DESC LIMIT 10"
        ),
    ),
    judge=judge,
)

"""An attack at the boundary is recorded with source, kind, target and time, and raises an alert."""

from collections.abc import Mapping
from typing import Any

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

NEEDED = ("at", "rule")
# Refused at the door, before any channel: what was knocked at is the gateway itself.
AT_THE_DOOR = ("gateway.no_channel", "gateway.no_policy")


def judge(proofs: Answers) -> Judgement:
    """Judge the refusals of the last records, and that each burst of them has its alert."""
    refused, bursts, alerts = (rows(proof.out) for proof in proofs)
    faults = [
        Text(
            f"第 {row['number']} 次拒绝记录不全",
            f"refusal {row['number']} is not on record whole",
        )
        for row in refused
        if not _whole(row)
    ]
    warned = {row["subject"] for row in alerts}
    faults += [
        Text(f"{row['peer']} 的大量拒绝没有告警", f"no alert about the refusals of {row['peer']}")
        for row in bursts
        if row["peer"] not in warned
    ]
    good = Text(
        f"{len(refused)} 次拒绝记录完整，{len(bursts)} 次突发均已告警",
        f"{len(refused)} refusals on record whole, an alert for each of {len(bursts)} bursts",
    )
    return weigh(faults, 1, good)


def _whole(row: Mapping[str, Any]) -> bool:
    """Whether source, kind, target and time of a refusal are on record."""
    source = row["peer"] or row["address"]
    target = row["channel"] or row["rule"] in AT_THE_DOOR
    return bool(source and target) and all(row[name] for name in NEEDED)


CHECK = Check(
    id="attack_records",
    kind=Kind.BOUNDARY,
    title=Text("攻击记录与报警", "Attacks are recorded and raise an alarm"),
    items=("8.1.3.3.d",),
    questions=(
        sql(
            "SELECT number, at, rule, channel, peer, address FROM transfers WHERE verdict = 'refused' "
            "ORDER BY number DESC LIMIT 50"
        ),
        # More than 30 refusals of one peer within a minute: above that the box must have alerted.
        sql(
            "SELECT peer, substr(at, 1, 16) AS minute, SUM(count) AS number FROM transfers "
            "WHERE verdict = 'refused' AND peer <> '' GROUP BY peer, substr(at, 1, 16) "
            "HAVING SUM(count) > 30 ORDER BY minute DESC LIMIT 20"
        ),
        sql("SELECT DISTINCT subject FROM alerts WHERE rule = 'refusals' ORDER BY subject"),
    ),
    judge=judge,
)

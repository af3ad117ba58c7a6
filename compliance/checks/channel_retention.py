"""What crossed the zones is kept on record for at least six months, channel by channel."""

import json

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh
from compliance.questions import File

HALF_YEAR = 180  # days; also what the gateway takes where a channel states none


def judge(proofs: Answers) -> Judgement:
    """Judge the days that the policy in force states for each channel."""
    channels = json.loads(proofs[0].out.partition("\n")[2] or "{}").get("channels", [])
    if not channels:
        return not_applicable("没有开放任何通道", "No channel is open")
    faults = [
        Text(
            f"通道 {one['id']} 的记录只留存 {one['retention_days']} 天",
            f"records of {one['id']} are kept for {one['retention_days']} days",
        )
        for one in channels
        if one.get("retention_days", HALF_YEAR) < HALF_YEAR
    ]
    good = Text(
        f"{len(channels)} 条通道的记录均留存六个月以上",
        f"{len(channels)} channels, records kept for six months",
    )
    return weigh(faults, len(channels), good)


CHECK = Check(
    id="channel_retention",
    kind=Kind.BOUNDARY,
    title=Text("交换记录留存", "Records of exchanges are kept"),
    items=("8.1.5.4.d", "8.1.3.5.c"),
    questions=(File("/var/lib/hbox/gateway/policy.signed"),),
    judge=judge,
)

"""Replicated storage holds at least three copies, asks who comes, and misses none of them."""

import json
from typing import Any

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh
from compliance.questions import command, sql

# Absent on a box without replicated storage: asked for only where the records name one.
CEPH = ("ceph", "--connect-timeout", "5", "-f", "json")


def judge(proofs: Answers) -> Judgement:
    """Judge Ceph's health, sizes of its pools and ways of authentication."""
    if not any(row["kind"] == "rbd" for row in rows(proofs[0].out)):
        return not_applicable("没有复制存储", "There is no replicated storage")
    faults = _state(json.loads(proofs[1].out)) if proofs[1].there else []
    if not proofs[1].there:
        faults.append(Text("复制存储没有应答", "the storage does not answer"))
    for pool in json.loads(proofs[2].out) if proofs[2].there else []:
        if pool["size"] < 3 or pool["min_size"] < 2:
            shown = f"{pool['pool_name']} {pool['size']}/{pool['min_size']}"
            faults.append(Text(f"副本数不足：{shown}", f"too few copies: {shown}"))
    return weigh(faults, 3, Text("副本齐全", "Every copy is there"))


def _state(said: dict[str, Any]) -> list[Text]:
    health = said["health"]["status"]
    return (
        [] if health == "HEALTH_OK" else [Text(f"存储状态 {health}", f"the storage says {health}")]
    )


CHECK = Check(
    id="replicas",
    kind=Kind.HYPERVISOR,
    title=Text("存储多副本", "Storage holds several copies"),
    items=("8.2.4.6.c", "8.1.4.9.c"),
    questions=(
        sql("SELECT name, kind, state FROM storages ORDER BY name"),
        command(*CEPH, "status", ok=(0, 1, 2, 13, 110), root=True, telling=True),
        command(
            *CEPH, "osd", "pool", "ls", "detail", ok=(0, 1, 2, 13, 110), root=True, telling=True
        ),
    ),
    judge=judge,
)

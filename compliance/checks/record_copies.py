"""The records can be brought back: there is a recovery key, and fresh copies on the other nodes or exported."""

from appliance.errors import Text
from compliance.answers import days, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql

WEEK = 7.0  # days that a copy may be old


def judge(proofs: Answers) -> Judgement:
    """Judge the key, what the copier noted of each other node, and exports on the audit chain."""
    key, note, nodes, exported = (
        proofs[0].lines(),
        proofs[1].out,
        rows(proofs[2].out),
        rows(proofs[3].out),
    )
    faults = []
    if not key:
        faults.append(Text("没有恢复密钥，不会产生副本", "no recovery key: no copy is ever made"))
    others = [row["name"] for row in nodes if not row["home"]]
    late = [name for name in others if f'"{name}"' not in note]
    faults += [
        Text(f"节点 {name} 没有记录副本", f"no copy of the records on {name}") for name in late
    ]
    fresh = any(days(proofs[3].at, row["at"]) <= WEEK for row in exported)
    if not others and not fresh:
        faults.append(Text("单节点且一周内没有导出", "one node only, and no export within a week"))
    good = Text(
        f"{len(others)} 个节点有副本，导出 {len(exported)} 次",
        f"Copies on {len(others)} nodes, {len(exported)} exports",
    )
    return weigh(faults, 2, good)


CHECK = Check(
    id="record_copies",
    kind=Kind.CONTROLLER,
    title=Text("配置与记录备份", "The records are backed up"),
    items=("8.1.4.9.a", "8.1.10.11.a", "8.1.10.11.b"),
    questions=(
        command("find", "/var/lib/hbox/keys", "-name", "recovery.pub", "-size", "+0", ok=(0, 1)),
        command("sh", "-c", "cat /var/lib/hbox/worker/copies.json 2>/dev/null || true"),
        sql("SELECT name, home FROM nodes ORDER BY name"),
        sql("SELECT at, act FROM audit WHERE act = 'records.export' ORDER BY number DESC LIMIT 10"),
    ),
    judge=judge,
)

"""The records can be brought back: there is a recovery key, and fresh copies on the other nodes or exported."""

from collections.abc import Iterator

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.copies import HOURS, NOTE, behind, noted
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql

WEEK = 7.0  # days that a copy may be old


def judge(proofs: Answers) -> Judgement:
    """Judge the key, the copier's account of each other node held against the chain, and exports on it."""
    key, nodes, exported = proofs[0].lines(), rows(proofs[2].out), rows(proofs[3].out)
    faults = []
    if not key:
        faults.append(Text("没有恢复密钥，不会产生副本", "no recovery key: no copy is ever made"))
    others = [row["name"] for row in nodes if not row["home"]]
    faults += _copies(others, proofs)
    fresh = any(age(proofs[3].at, row["at"]) <= WEEK for row in exported)
    if not others and not fresh:
        faults.append(Text("单节点且一周内没有导出", "one node only, and no export within a week"))
    good = Text(
        f"{len(others)} 个节点有副本，导出 {len(exported)} 次",
        f"Copies on {len(others)} nodes, {len(exported)} exports",
    )
    return weigh(faults, 2, good)


def _copies(others: list[str], proofs: Answers) -> Iterator[Text]:
    note, hours, now = noted(proofs[1].out), rows(proofs[4].out), proofs[4].at
    for name in others:
        if name not in note:
            yield Text(f"节点 {name} 没有记录副本", f"no copy of the records on {name}")
            continue
        lacking = behind(note[name], hours, now)
        if lacking is None:
            yield Text(
                f"节点 {name} 的副本账目不实：称已复制到第 {note[name]} 条，审计链没有这一条",
                f"the account of {name}'s copy is not true: the chain has no entry {note[name]}",
            )
        elif lacking > WEEK:
            yield Text(
                f"节点 {name} 的副本已落后 {lacking:.0f} 天",
                f"the copy on {name} is {lacking:.0f} days behind",
            )


CHECK = Check(
    id="record_copies",
    kind=Kind.CONTROLLER,
    title=Text("配置与记录备份", "The records are backed up"),
    items=("8.1.4.9.a", "8.1.10.11.a", "8.1.10.11.b"),
    questions=(
        command("find", "/var/lib/hbox/keys", "-name", "recovery.pub", "-size", "+0", ok=(0, 1)),
        NOTE,
        sql("SELECT name, home FROM nodes ORDER BY name"),
        sql("SELECT at, act FROM audit WHERE act = 'records.export' ORDER BY number DESC LIMIT 10"),
        HOURS,
    ),
    judge=judge,
)

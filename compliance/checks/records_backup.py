"""A copy of the database lies outside it, not older than a week."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql

WEEK = 7.0  # days


def judge(proofs: Answers) -> Judgement:
    """Judge copies that other nodes put here, what the copier noted, and exports on the audit chain."""
    copies = proofs[0].lines()
    exported = [row for row in rows(proofs[2].out) if age(proofs[2].at, row["at"]) <= WEEK]
    faults = []
    if not copies and not proofs[1].lines() and not exported:
        faults.append(Text("一周内没有数据库备份", "no copy of the database within a week"))
    good = Text(
        f"近一周导出 {len(exported)} 次，副本 {len(copies)} 份",
        f"{len(exported)} exports this week, {len(copies)} copies",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="records_backup",
    kind=Kind.DB,
    title=Text("数据库备份", "The database is backed up"),
    items=("8.1.4.9.a",),
    questions=(
        command("find", "/var/lib/hbox/copies", "-name", "*.hcopy", "-mtime", "-7", ok=(0, 1)),
        # The copier's note is written anew with each copy that goes out; an old one says nothing of this week.
        command(
            "find", "/var/lib/hbox/worker", "-name", "copies.json", "-mtime", "-7", "-size", "+2c",
            ok=(0, 1),
        ),
        sql("SELECT at, act FROM audit WHERE act = 'records.export' ORDER BY number DESC LIMIT 10"),
    ),
    judge=judge,
)  # fmt: skip

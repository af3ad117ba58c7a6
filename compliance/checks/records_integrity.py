"""The database holds together: no broken page, no row that points nowhere."""

from appliance.errors import Text
from compliance.checks.asked import PYTHON
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge what the database itself says of its pages (SQLite's quick check, PostgreSQL's checksums)."""
    lines = proofs[0].lines()
    faults = [
        Text(f"数据库损坏：{line}", f"the database is damaged: {line}")
        for line in lines
        if line != "ok"
    ]
    if not lines:
        faults.append(Text("数据库没有回答", "the database said nothing"))
    return weigh(faults, 1, Text("数据库完整性校验通过", "The database holds together"))


CHECK = Check(
    id="records_integrity",
    kind=Kind.DB,
    title=Text("数据库完整性", "Integrity of the database"),
    items=("8.1.4.7.b",),
    questions=(command(PYTHON, "-I", "-m", "compliance.records_whole", ok=(0, 1)),),
    judge=judge,
)

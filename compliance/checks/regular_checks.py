"""The box is checked as a whole at least monthly, and each report lies there, signed."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command, sql

MONTH = 31.0  # days


def judge(proofs: Answers) -> Judgement:
    """Judge when the last run was (a box younger than a month has this one), and the kept reports."""
    runs, born = rows(proofs[0].out), rows(proofs[1].out)
    if not born or not born[0]["at"]:
        return unknown("看不到本机何时启用", "Nobody can see when this box began")
    files = set(proofs[2].lines())
    ages = [age(proofs[0].at, row["at"]) for row in runs or born]
    faults = []
    if min(ages) > MONTH:
        faults.append(Text("一个月内没有做过全面检查", "no check of the whole within a month"))
    faults += [
        Text(f"{row['at'][:10]} 的报告缺失", f"the report of {row['at'][:10]} is gone")
        for row in runs
        if not {row["json_path"], row["html_path"]} <= files or len(str(row["digest"])) != 64
    ]
    return weigh(
        faults, 1, Text("每月至少一次全面检查，报告均在", "Checked monthly, every report is kept")
    )


CHECK = Check(
    id="regular_checks",
    kind=Kind.CONTROLLER,
    title=Text("定期全面检查", "Regular checks of the whole"),
    items=("8.1.7.5.a", "8.1.7.5.b", "8.1.7.5.c", "8.1.10.5.b"),
    questions=(
        sql(
            "SELECT at, digest, json_path, html_path FROM compliance_runs ORDER BY at DESC LIMIT 24"
        ),
        sql("SELECT MIN(at) AS at FROM audit"),
        command(
            "find",
            "/var/lib/hbox/reports",
            "-maxdepth",
            "1",
            "-type",
            "f",
            "-size",
            "+0",
            ok=(0, 1),
        ),
    ),
    judge=judge,
)

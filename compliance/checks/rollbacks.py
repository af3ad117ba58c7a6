"""A change that failed was taken back: no failed job has left steps behind that were done and not undone."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Judge the steps of failed and cancelled jobs that are in no state of rest."""
    stuck, counted = rows(proofs[0].out), rows(proofs[1].out)
    faults = [
        Text(
            f"任务 {row['number']} 回退未完成：{row['title_zh']}",
            f"job {row['number']} was not taken back: {row['title_en']}",
        )
        for row in stuck
    ]
    number = sum(row["number"] for row in counted)
    return weigh(
        faults,
        1,
        Text(f"{number} 个未成功的任务均已回退", f"{number} jobs without success, all taken back"),
    )


CHECK = Check(
    id="rollbacks",
    kind=Kind.CONTROLLER,
    title=Text("变更失败即回退", "A failed change is taken back"),
    items=("8.1.10.10.c",),
    questions=(
        sql(
            "SELECT j.number, s.title_zh, s.title_en FROM jobs j JOIN job_steps s ON s.job_id = j.id "
            "WHERE (j.state IN ('failed', 'cancelled', 'refused') AND s.state IN ('running', 'undoing')) "
            "OR (j.state = 'failed' AND s.state = 'done' AND EXISTS (SELECT 1 FROM job_steps u "
            "WHERE u.job_id = j.id AND u.state = 'undone')) ORDER BY j.number DESC LIMIT 50"
        ),
        sql(
            "SELECT state, COUNT(*) AS number FROM jobs WHERE state IN ('failed', 'cancelled') GROUP BY state"
        ),
    ),
    judge=judge,
)

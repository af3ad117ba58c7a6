"""Nothing runs otherwise than wished without a job that says why: no unanswered drift."""

from appliance.errors import Text
from compliance.answers import held, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Judge what the records hold of machines that differ from their wish, and of nodes' jobs."""
    faults = [
        Text(f"虚机 {row['name']} 与登记不符", f"machine {row['name']} is otherwise than wished")
        for row in rows(proofs[0].out)
        if row["drift"] and held(row["drift"])
    ]
    number = len(rows(proofs[0].out))
    return weigh(faults, 1, Text(f"{number} 台虚机与登记一致", f"{number} machines are as wished"))


CHECK = Check(
    id="drift",
    kind=Kind.CONTROLLER,
    title=Text("无未登记的配置变化", "No change without a record"),
    items=("8.1.10.8.b",),
    questions=(sql("SELECT name, drift FROM vms WHERE wished <> 'absent' ORDER BY name"),),
    judge=judge,
)

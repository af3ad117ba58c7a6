"""The audit rules cannot be changed until the next boot (`-e 2`)."""

from appliance.errors import Text
from compliance.answers import options
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge `auditctl -s`: enabled 2 is locked."""
    enabled = options(proofs[0].out).get("enabled")
    faults = (
        [] if enabled == "2" else [Text("审计配置未锁定（-e 2）", "audit is not locked (-e 2)")]
    )
    return weigh(faults, 1, Text("审计配置已锁定", "Audit is locked until the next boot"))


CHECK = Check(
    id="audit_locked",
    kind=Kind.HOST,
    title=Text("审计进程防中断", "Audit cannot be interrupted"),
    items=("8.1.4.3.d",),
    questions=(command("auditctl", "-s", root=True, telling=True),),
    judge=judge,
    kernel_bound=True,
)

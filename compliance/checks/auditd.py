"""The kernel's audit is on and has rules for identities, privileges and time."""

from appliance.errors import Text
from compliance.answers import options
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

WATCHED = ("/etc/passwd", "/etc/shadow", "/etc/sudoers")


def judge(proofs: Answers) -> Judgement:
    """Judge `auditctl -s` and `auditctl -l`."""
    status, rules = options(proofs[0].out), proofs[1].out
    faults = []
    if status.get("enabled") not in ("1", "2") or status.get("pid", "0") == "0":
        faults.append(Text("内核审计未启用或 auditd 未运行", "audit is off or auditd does not run"))
    missing = [path for path in WATCHED if path not in rules]
    if missing:
        faults.append(
            Text(f"审计规则未覆盖 {' '.join(missing)}", f"no audit rule for {' '.join(missing)}")
        )
    return weigh(
        faults,
        2,
        Text("审计已启用并覆盖身份与授权文件", "Audit is on and covers identities and rights"),
    )


CHECK = Check(
    id="auditd",
    kind=Kind.HOST,
    title=Text("启用安全审计", "Security audit is on"),
    items=("8.1.4.3.a",),
    questions=(
        command("auditctl", "-s", root=True, telling=True),
        command("auditctl", "-l", root=True, telling=True),
    ),
    judge=judge,
    kernel_bound=True,
)

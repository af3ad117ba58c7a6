"""The kernel's audit is on and has rules for identities, privileges and time."""

from collections.abc import Sequence
from itertools import pairwise

from appliance.errors import Text
from compliance.answers import options
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

WATCHED = ("/etc/passwd", "/etc/shadow", "/etc/sudoers")


def judge(proofs: Answers) -> Judgement:
    """Judge `auditctl -s` and `auditctl -l`."""
    status, rules = options(proofs[0].out), [line.split() for line in proofs[1].lines()]
    faults = []
    if status.get("enabled") not in ("1", "2") or status.get("pid", "0") == "0":
        faults.append(Text("内核审计未启用或 auditd 未运行", "audit is off or auditd does not run"))
    missing = [path for path in WATCHED if not any(_writes(rule, path) for rule in rules)]
    if missing:
        faults.append(
            Text(f"审计规则未覆盖 {' '.join(missing)}", f"no audit rule for {' '.join(missing)}")
        )
    exempt = [" ".join(rule) for rule in rules if _exempts(rule)]
    if exempt:
        shown = "; ".join(exempt[:4])
        faults.append(Text(f"规则免除了审计：{shown}", f"a rule exempts from the audit: {shown}"))
    return weigh(
        faults,
        2,
        Text("审计已启用并覆盖身份与授权文件", "Audit is on and covers identities and rights"),
    )


def _exempts(rule: Sequence[str]) -> bool:
    """Whether the rule keeps something from being written down: the first rule that fits is the one that counts."""
    named = set(rule[1].split(",")) if len(rule) > 1 and rule[0] in ("-a", "-A") else set()
    return bool(named & {"never", "exclude"})


def _writes(rule: Sequence[str], path: str) -> bool:
    """Whether the rule watches writing to exactly this path, in either of the two ways to say so."""
    said = dict(pairwise(rule))
    watched = said.get("-w") == path and "w" in said.get("-p", "rwxa")
    field = "always,exit" in rule and f"path={path}" in rule
    return watched or (field and any(one.startswith("perm=") and "w" in one for one in rule))


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

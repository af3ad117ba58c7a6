"""No mail enters or leaves: nothing listens for it and no rule lets it through."""

from appliance.errors import Text
from compliance.answers import listeners, ruleset
from compliance.checks.asked import RULESET, SOCKETS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, not_applicable, weigh

PORTS = frozenset((25, 110, 143, 465, 587, 993, 995, 2525))


def judge(proofs: Answers) -> Judgement:
    """Where no mail passes there is no spam to filter; where some does, a filter must be shown by people."""
    faults = [
        Text(f"邮件端口开放 {one}", f"a mail port is open: {one}")
        for one in listeners(proofs[0].out)
        if one.port in PORTS and not one.loopback
    ]
    faults += [
        Text(
            f"规则放行邮件端口 {sorted(rule.ports & PORTS)}",
            f"a rule lets mail pass: {sorted(rule.ports & PORTS)}",
        )
        for rule in ruleset(proofs[1].out).rules
        if rule.accepts and rule.ports & PORTS
    ]
    if faults:
        return weigh(faults, 1, Text("", ""))
    return not_applicable(
        "没有邮件进出：无监听，无放行规则",
        "No mail passes: nothing listens, no rule lets it through",
    )


CHECK = Check(
    id="mail_closed",
    kind=Kind.BOUNDARY,
    title=Text("没有邮件通路", "There is no way for mail"),
    items=("8.1.3.4.b",),
    questions=(SOCKETS, RULESET),
    judge=judge,
)

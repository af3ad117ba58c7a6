"""An intrusion detector watches the zones, with rules of the last half year."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge Suricata's unit and the age of its rules."""
    faults = []
    if proofs[0].out.strip() != "active":
        faults.append(Text("入侵检测未运行", "no intrusion detector runs"))
    if not proofs[1].lines():
        faults.append(Text("没有半年内的检测规则", "no rules of the last half year"))
    return weigh(
        faults,
        2,
        Text("入侵检测运行且规则在半年内", "The detector runs with rules of the last half year"),
    )


CHECK = Check(
    id="intrusion_detection",
    kind=Kind.BOUNDARY,
    title=Text("入侵检测", "Intrusion detection"),
    items=("8.1.3.3.a", "8.1.3.3.b"),
    questions=(
        command("systemctl", "is-active", "suricata.service", ok=(0, 3, 4)),
        command("find", "/var/lib/suricata/rules", "-name", "*.rules", "-mtime", "-183", ok=(0, 1)),
    ),
    judge=judge,
)

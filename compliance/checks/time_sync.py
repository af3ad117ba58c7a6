"""The clock follows a time source, so that audit records mean something."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge `chronyc tracking`: a reference, leap status Normal, offset under a second."""
    facts = dict(part.partition(":")[::2] for part in proofs[0].lines())
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    faults = []
    reference = facts.get("Reference ID", "00000000").split()[0]
    if reference in ("00000000", "7F7F0101") or facts.get("Leap status") != "Normal":
        faults.append(Text("时钟未与时间源同步", "the clock follows no time source"))
    elif abs(float(facts.get("System time", "9").split()[0])) > 1.0:
        faults.append(Text("时钟偏差超过 1 秒", "the clock is off by more than a second"))
    return weigh(faults, 1, Text(f"已与 {reference} 同步", f"The clock follows {reference}"))


CHECK = Check(
    id="time_sync",
    kind=Kind.HOST,
    title=Text("时钟同步", "The clock is synchronised"),
    items=("8.1.4.3.b",),
    questions=(command("chronyc", "-n", "tracking", ok=(0, 1), telling=True),),
    judge=judge,
)

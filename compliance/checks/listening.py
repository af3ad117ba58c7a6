"""Only the declared ports are open to others."""

from appliance.errors import Text
from compliance.answers import listeners
from compliance.checks.asked import SOCKETS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

DECLARED = {("tcp", 22): "ssh", ("tcp", 8443): "console", ("tcp", 8446): "screens"}


def judge(proofs: Answers) -> Judgement:
    """Judge every socket that is not on the loopback."""
    outside = [one for one in listeners(proofs[0].out) if not one.loopback]
    extra = [one for one in outside if (one.protocol, one.port) not in DECLARED]
    faults = [Text(f"未申报的监听 {one}", f"undeclared listener {one}") for one in extra]
    good = Text(
        "对外只监听已申报端口（22、8443、8446）",
        "Only declared ports listen to others (22, 8443, 8446)",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="listening",
    kind=Kind.HOST,
    title=Text("监听端口与申报一致", "Listening ports are the declared ones"),
    items=("8.1.4.4.b",),
    questions=(SOCKETS,),
    judge=judge,
)

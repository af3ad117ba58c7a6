"""The node that carries the gateway starts from a root of trust."""

from appliance.errors import Text
from compliance.checks import boot_trust
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind


def judge(proofs: Answers) -> Judgement:
    """The gateway is programs of this node: its chain of starting is the node's."""
    return boot_trust.judge(proofs)


CHECK = Check(
    id="boundary_trust",
    kind=Kind.BOUNDARY,
    title=Text("边界设备可信验证", "Root of trust of the boundary"),
    items=("8.1.3.6.a",),
    questions=boot_trust.CHECK.questions,
    judge=judge,
    kernel_bound=True,
)

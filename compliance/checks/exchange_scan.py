"""The scanner on the exchange path finds the test virus now, and its signatures are current."""

from appliance.errors import Text
from compliance.answers import fresh
from compliance.checks.asked import PYTHON
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

OLDEST = 31  # days; a handbook calls signatures older than a month a high risk


def judge(proofs: Answers) -> Judgement:
    """Judge what the scanner said of EICAR and of harmless bytes, and the age of its signatures."""
    said = proofs[0].out
    faults = []
    if "eicar: found" not in said:
        faults.append(Text("扫描器没有发现测试病毒", "the scanner does not find the test virus"))
    if "plain: clean" not in said:
        faults.append(
            Text("扫描器不能正常判断无害内容", "the scanner does not let harmless bytes pass")
        )
    if not fresh(proofs[1].at, proofs[1].out, OLDEST):
        faults.append(Text("没有一个月内的特征库", "no signatures of the last month"))
    return weigh(
        faults,
        3,
        Text(
            "测试病毒当场被发现，特征库为近一个月",
            "The test virus is found; signatures are current",
        ),
    )


CHECK = Check(
    id="exchange_scan",
    kind=Kind.BOUNDARY,
    title=Text("交换通道恶意代码检测", "Malware is found on the exchange path"),
    items=("8.1.3.4.a", "8.1.10.7.b"),
    questions=(
        command(PYTHON, "-I", "-m", "compliance.eicar", ok=(0, 1), root=True),
        command(
            "find",
            "/var/lib/hbox/signatures",
            "-regex",
            ".*\\.c[vl]d",
            "-printf",
            "%T@ %p\\n",
            ok=(0, 1),
        ),
    ),
    judge=judge,
)

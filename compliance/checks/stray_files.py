"""On the root file system nothing is world-writable and nothing is without an owner."""

from appliance.errors import Text
from compliance.checks.asked import WALK
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh


def judge(proofs: Answers) -> Judgement:
    """Every such line of the walk is a fault; a walk that was cut short decides nothing good."""
    lines = proofs[0].lines()
    found = [line for line in lines if line.startswith(("open ", "unowned "))]
    faults = [
        Text(f"任何人可写或无主：{line}", f"world-writable or unowned: {line}") for line in found
    ]
    if not faults and not (lines and lines[-1].startswith("end ")):
        return unknown("文件系统未能走完", "The walk did not reach its end")
    return weigh(faults, 1, Text("未发现任何人可写或无主文件", "No world-writable or unowned file"))


CHECK = Check(
    id="stray_files",
    kind=Kind.HOST,
    title=Text("无任何人可写与无主文件", "No world-writable or unowned files"),
    items=("8.1.4.2.f",),
    questions=(WALK,),
    judge=judge,
)

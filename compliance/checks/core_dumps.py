"""A crashing privileged program leaves no memory image behind."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File


def judge(proofs: Answers) -> Judgement:
    """Judge fs.suid_dumpable."""
    value = proofs[0].out.strip()
    faults = (
        [] if value == "0" else [Text(f"fs.suid_dumpable={value}", f"fs.suid_dumpable={value}")]
    )
    return weigh(
        faults, 1, Text("特权程序不产生内存转储", "Privileged programs leave no core dump")
    )


CHECK = Check(
    id="core_dumps",
    kind=Kind.HOST,
    title=Text("特权程序不转储内存", "No core dumps of privileged programs"),
    items=("8.1.4.10.a",),
    questions=(File("/proc/sys/fs/suid_dumpable"),),
    judge=judge,
    kernel_bound=True,
)

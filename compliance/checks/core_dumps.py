"""A crashing privileged program leaves no memory image behind, nor hands it to a program nobody knows."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File

# What the kernel hands an image to runs as root: it has to come with a package.
OWN = ("/usr/lib/", "/lib/", "/usr/libexec/", "/usr/share/apport/", "/bin/false", "/usr/bin/false")


def judge(proofs: Answers) -> Judgement:
    """Judge fs.suid_dumpable and kernel.core_pattern."""
    value, pattern = (proof.out.strip() for proof in proofs)
    faults = []
    if value != "0":
        faults.append(Text(f"fs.suid_dumpable={value}", f"fs.suid_dumpable={value}"))
    if pattern.startswith("|") and not pattern[1:].lstrip().startswith(OWN):
        faults.append(
            Text(f"内存转储交给未知程序 {pattern}", f"images are handed to a stranger: {pattern}")
        )
    return weigh(
        faults, 1, Text("特权程序不产生内存转储", "Privileged programs leave no core dump")
    )


CHECK = Check(
    id="core_dumps",
    kind=Kind.HOST,
    title=Text("特权程序不转储内存", "No core dumps of privileged programs"),
    items=("8.1.4.10.a",),
    questions=(File("/proc/sys/fs/suid_dumpable"), File("/proc/sys/kernel/core_pattern")),
    judge=judge,
    kernel_bound=True,
)

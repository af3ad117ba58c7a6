"""One bounded walk of the root file system: nothing world-writable, nothing without an owner."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

# -xdev keeps it on the root file system; disks of VMs and the shipped images are left out: they are
# large, and other checks look at their modes. Folders with the sticky bit may be open to all.
WALK = command(
    "find", "/", "-xdev",
    "(", "-path", "/proc", "-o", "-path", "/sys", "-o", "-path", "/dev", "-o", "-path", "/run",
    "-o", "-path", "/var/lib/hbox/volumes", "-o", "-path", "/usr/share/hbox", ")", "-prune", "-o",
    "(", "-type", "f", "-perm", "-0002", "-o", "-type", "d", "-perm", "-0002", "!", "-perm", "-1000",
    "-o", "-nouser", "-o", "-nogroup", ")", "-printf", "%m %u %g %p\\n",
)  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Every line of the walk is a fault."""
    found = proofs[0].lines()
    faults = [
        Text(f"任何人可写或无主：{line}", f"world-writable or unowned: {line}") for line in found
    ]
    return weigh(faults, 1, Text("未发现任何人可写或无主文件", "No world-writable or unowned file"))


CHECK = Check(
    id="stray_files",
    kind=Kind.HOST,
    title=Text("无任何人可写与无主文件", "No world-writable or unowned files"),
    items=("8.1.4.2.f",),
    questions=(WALK,),
    judge=judge,
)

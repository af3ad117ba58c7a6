"""AppArmor confines programs: profiles are loaded, and they enforce."""

from collections import Counter

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

# Profiles of programs that this box does run and that strangers can talk to.
NEEDED = ("libvirtd", "/usr/sbin/clamd", "/usr/sbin/chronyd")


def judge(proofs: Answers) -> Judgement:
    """Judge the kernel's own list of profiles and their modes."""
    modes = {}
    for line in proofs[0].lines():
        name, _, mode = line.strip().rpartition(" ")
        modes[name] = mode.strip("()")
    faults = [
        Text(
            f"{name} 未受强制约束（{modes.get(name, '无')}）",
            f"{name} is not enforced ({modes.get(name, 'none')})",
        )
        for name in NEEDED
        if modes.get(name) != "enforce"
    ]
    enforced = Counter(modes.values())["enforce"]
    good = Text(f"{enforced} 个 AppArmor 配置强制执行", f"{enforced} AppArmor profiles enforce")
    return weigh(faults, len(NEEDED), good)


CHECK = Check(
    id="apparmor",
    kind=Kind.HOST,
    title=Text("强制访问控制（AppArmor）", "Mandatory access control (AppArmor)"),
    items=("8.1.4.2.g",),
    questions=(command("cat", "/sys/kernel/security/apparmor/profiles", root=True),),
    judge=judge,
    kernel_bound=True,
)

"""AppArmor confines programs: their profiles are loaded and enforce, and the running processes are under them."""

from collections import Counter

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

# Programs that this box does run and that strangers can talk to: their profiles, and how `ps` calls them.
NEEDED = {"libvirtd": "libvirtd", "/usr/sbin/clamd": "clamd", "/usr/sbin/chronyd": "chronyd"}


def judge(proofs: Answers) -> Judgement:
    """Judge the kernel's own list of profiles and their modes, and the labels of the processes.

    A profile that is loaded again does not take hold of a process that ran without it.
    """
    modes = {}
    for line in proofs[0].lines():
        name, _, mode = line.strip().rpartition(" ")
        modes[name] = mode.strip("()")
    running = [line.rsplit(None, 1) for line in proofs[1].lines() if len(line.split()) > 1]
    faults = []
    for name, program in NEEDED.items():
        loose = [label for label, comm in running if comm == program and "(enforce)" not in label]
        if modes.get(name) != "enforce":
            faults.append(
                Text(
                    f"{name} 未受强制约束（{modes.get(name, '无')}）",
                    f"{name} is not enforced ({modes.get(name, 'none')})",
                )
            )
        elif loose:
            faults.append(
                Text(f"运行中的 {program} 不受约束", f"{program} runs outside of its profile")
            )
    enforced = Counter(modes.values())["enforce"]
    good = Text(f"{enforced} 个 AppArmor 配置强制执行", f"{enforced} AppArmor profiles enforce")
    return weigh(faults, len(NEEDED), good)


CHECK = Check(
    id="apparmor",
    kind=Kind.HOST,
    title=Text("强制访问控制（AppArmor）", "Mandatory access control (AppArmor)"),
    items=("8.1.4.2.g",),
    questions=(
        command("cat", "/sys/kernel/security/apparmor/profiles", root=True),
        command("ps", "-eo", "label=,comm=", root=True),
    ),
    judge=judge,
    kernel_bound=True,
)

"""The files of the packages that guard the node are those the packages brought (MD5 sums of dpkg)."""

import re

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File, command

# What decides who gets in and what runs; all packages together would take minutes.
GUARDS = ("openssh-server", "libpam-modules", "libpam-runtime", "login", "passwd", "bash", "coreutils",
          "nftables", "systemd", "libvirt-daemon", "chrony", "openssl", "libpam-pwquality")  # fmt: skip
STATE = re.compile(r"[.?5SMDLUGT]{9}")  # of dpkg --verify: a letter for each property that differs
LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/info/", "/usr/share/locale/")


def judge(proofs: Answers) -> Judgement:
    """Judge `dpkg --verify`: settings may differ (other checks read them), programs and libraries may not."""
    faults = []
    for line in proofs[0].lines():
        state, _, rest = line.strip().partition(" ")
        kind, _, path = rest.strip().rpartition(" ")
        if state != "missing" and not STATE.fullmatch(state):
            raise ValueError(f"not a line of dpkg --verify: {line[:80]!r}")
        if kind.strip() == "c" or path.startswith(LEFT_OUT):
            continue
        if state == "missing" or "5" in state:
            faults.append(
                Text(f"文件与软件包不符：{line.strip()}", f"not as packaged: {line.strip()}")
            )
    faults += [
        Text(f"所有程序被预加载 {line}", f"preloaded into every program (ld.so.preload): {line}")
        for line in proofs[1].lines()
    ]
    good = Text(
        f"{len(GUARDS)} 个关键软件包的文件未被改动",
        f"Files of {len(GUARDS)} guarding packages are unchanged",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="package_files",
    kind=Kind.HOST,
    title=Text("关键程序完整性", "Guarding programs are as packaged"),
    items=("8.1.4.7.b",),
    questions=(
        command("dpkg", "--verify", *GUARDS, ok=(0, 1)),
        File("/etc/ld.so.preload"),
    ),
    judge=judge,
)

"""Only the programs that Debian and the box mean to run with another's rights do so."""

from appliance.errors import Text
from compliance.checks.asked import WALK
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh

FOLDERS = ("/usr/bin", "/usr/sbin")
# What lies elsewhere is meant in its own folder only: a shell under a meant name is none.
OWN = {
    "ssh-keysign": ("/usr/lib/openssh",),
    "dbus-daemon-launch-helper": ("/usr/lib/dbus-1.0",),
    "polkit-agent-helper-1": ("/usr/lib/polkit-1",),
    "qemu-bridge-helper": ("/usr/lib/qemu",),
    "virt-login-shell-helper": ("/usr/libexec", "/usr/lib/libvirt"),
    "utempter": ("/usr/lib/x86_64-linux-gnu/utempter", "/usr/lib/aarch64-linux-gnu/utempter"),
}
MEANT = frozenset(
    ("chfn", "chsh", "gpasswd", "mount", "newgrp", "passwd", "su", "umount", "sudo", "chage", "expiry",
     "crontab", "ssh-agent", "unix_chkpwd", "ssh-keysign", "dbus-daemon-launch-helper", "fusermount3",
     "fusermount", "pkexec", "polkit-agent-helper-1", "qemu-bridge-helper", "utempter", "wall", "write",
     "dotlockfile", "mount.ceph", "bwrap", "pam_timestamp_check", "virt-login-shell-helper")
)  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Judge the programs that the walk met, by folder and name; no file may carry a capability of root's."""
    if not proofs[0].lines() or not proofs[0].lines()[-1].startswith("end "):
        return unknown("文件系统未走查完", "The walk over the files did not end")
    found = [
        line.split(" ", 4) for line in proofs[0].lines() if line.startswith(("setid ", "caps "))
    ]
    paths = [fields[-1] for fields in found]
    strange = [fields[-1] for fields in found if fields[0] == "caps" or not meant(fields[-1])]
    second = _second_names(proofs[0].lines())
    faults = [
        Text(
            f"多余的特权程序 {p}" + "（清单内程序的另一个名字，须由人删除）" * (p in second),
            f"an unexpected program with another's rights: {p}"
            + " (another name of one that is meant; a person must remove it)" * (p in second),
        )
        for p in strange
    ]
    good = Text(
        f"{len(paths)} 个 setuid 程序均在清单内", f"{len(paths)} setuid programs, all meant"
    )
    return weigh(faults, 1, good)


def _second_names(lines: list[str]) -> set[str]:
    """Return the names of programs that are meant under another: their rights are the meant one's, and stay."""
    twins = [line.split(" ", 4) for line in lines if line.startswith("twin ")]
    kept = {fields[1] for fields in twins if meant(fields[-1])}
    return {fields[-1] for fields in twins if fields[1] in kept}


def meant(path: str) -> bool:
    """Whether a program of that path, as the walk tells it, is meant to run with another's rights. Pure."""
    folder, _, name = path.rpartition("/")
    return name in MEANT and folder in OWN.get(name, FOLDERS)


CHECK = Check(
    id="setuid_files",
    kind=Kind.HOST,
    title=Text("无多余的特权程序", "No unexpected program with another's rights"),
    items=("8.1.4.2.d",),
    questions=(WALK,),
    judge=judge,
)

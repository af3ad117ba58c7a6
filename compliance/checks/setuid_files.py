"""Only the programs that Debian and the box mean to run with another's rights do so."""

from appliance.errors import Text
from compliance.checks.asked import WALK
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

FOLDERS = ("/usr/bin/", "/usr/sbin/", "/usr/lib/")
MEANT = frozenset(
    ("chfn", "chsh", "gpasswd", "mount", "newgrp", "passwd", "su", "umount", "sudo", "chage", "expiry",
     "crontab", "ssh-agent", "unix_chkpwd", "ssh-keysign", "dbus-daemon-launch-helper", "fusermount3",
     "fusermount", "pkexec", "polkit-agent-helper-1", "qemu-bridge-helper", "utempter", "wall", "write",
     "dotlockfile", "mount.ceph", "bwrap", "pam_timestamp_check", "virt-login-shell-helper")
)  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Judge the setuid and setgid programs that the walk met, by folder and name."""
    found = [line.split(" ", 4) for line in proofs[0].lines() if line.startswith("setid ")]
    paths = [fields[-1] for fields in found]
    strange = [p for p in paths if not p.startswith(FOLDERS) or p.rsplit("/", 1)[-1] not in MEANT]
    faults = [
        Text(f"多余的 setuid 程序 {p}", f"an unexpected setuid program: {p}") for p in strange
    ]
    good = Text(
        f"{len(paths)} 个 setuid 程序均在清单内", f"{len(paths)} setuid programs, all meant"
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="setuid_files",
    kind=Kind.HOST,
    title=Text("无多余的特权程序", "No unexpected program with another's rights"),
    items=("8.1.4.2.d",),
    questions=(WALK,),
    judge=judge,
)

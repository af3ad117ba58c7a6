"""New files are closed to others by default."""

from appliance.errors import Text
from compliance.answers import options
from compliance.checks.password_policy import LOGIN_DEFS
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File


def judge(proofs: Answers) -> Judgement:
    """Judge UMASK in login.defs and that PAM applies it; 027 or stricter."""
    applied = [
        line.partition("#")[0]
        for line in proofs[1].lines()
        if "pam_umask.so" in line.partition("#")[0]
    ]
    # What the stack says goes over login.defs (pam_umask(8)).
    said = [
        word.removeprefix("umask=")
        for line in applied
        for word in line.split()
        if word.startswith("umask=")
    ]
    value = said[0] if said else options(proofs[0].out).get("umask", "")
    faults = []
    if not value or int(value, 8) & 0o027 != 0o027:
        faults.append(Text(f"UMASK 为 {value or '未设置'}", f"UMASK is {value or 'not set'}"))
    if not applied:
        faults.append(Text("PAM 未应用 umask", "PAM does not apply it"))
    return weigh(
        faults, 2, Text(f"新建文件掩码 {value}", f"New files are made under umask {value}")
    )


CHECK = Check(
    id="umask",
    kind=Kind.HOST,
    title=Text("新建文件默认不对他人开放", "New files are closed to others"),
    items=("8.1.4.2.f",),
    questions=(LOGIN_DEFS, File("/etc/pam.d/common-session")),
    judge=judge,
)

"""Failed logins lock an account for a while (pam_faillock; the old question asks for pam_tally2)."""

from collections.abc import Mapping, Sequence

from appliance.errors import Text
from compliance.answers import number, options
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.pam_stack import Entry, entries
from compliance.questions import File

DEFAULTS = {"deny": 3, "unlock_time": 600, "fail_interval": 900}
"""pam_faillock's own, in seconds but for the first (faillock.conf(5))."""
UNPROVED = (
    "pam_succeed_if",
    "pam_exec",
    "pam_rootok",
    "pam_listfile",
    "pam_wheel",
    "pam_localuser",
    "pam_debug",
)
"""Modules that prove nobody: where one is enough, no password is asked."""
SHORTEST = (
    300  # seconds within which failures are counted together: fewer, and nobody is ever locked
)


def judge(proofs: Answers) -> Judgement:
    """Judge the PAM stack and faillock.conf: deny 5 / unlock 900 s, or deny 3 / unlock 300 s."""
    stack = proofs[0]
    auth = entries(stack.out, "auth")
    used = [one for one in auth if one.module == "pam_faillock.so"]
    words = [word for one in used for word in one.words]
    # What stands in the stack goes over the file; then pam_faillock's own defaults. 0 never locks.
    conf = {**options(proofs[1].out), **options("\n".join(word for word in words if "=" in word))}
    deny, unlock, interval = (_set(conf, name) for name in DEFAULTS)
    faults = []
    if not {"preauth", "authfail"} <= set(words):  # one counts, the other refuses
        faults.append(Text("PAM 认证栈未启用 pam_faillock", "pam_faillock is not in the PAM stack"))
    way = _open(auth)
    if way:
        faults.append(Text(f"PAM 认证栈直接放行任何人（{way}）", f"anybody is let in ({way})"))
    strict = 0 < deny <= 5 and (unlock == 0 or unlock >= (300 if deny <= 3 else 900))
    strict = strict and interval >= SHORTEST
    if used and not strict:
        faults.append(
            Text(
                f"锁定阈值过宽：deny={deny} unlock_time={unlock} fail_interval={interval}",
                f"too lax: deny={deny} unlock_time={unlock} fail_interval={interval}",
            )
        )
    good = Text(f"失败 {deny} 次锁定 {unlock} 秒", f"{deny} failures lock for {unlock} s")
    return weigh(faults, 1, good)


def _set(conf: Mapping[str, str], name: str) -> int:
    found = number(conf.get(name))
    return DEFAULTS[name] if found is None else found


def _open(auth: Sequence[Entry]) -> str:
    """Return what lets in before anything was proved, "" for nothing; Debian's own pam_permit stands after pam_deny."""
    for one in auth:
        name = one.module.removesuffix(".so")
        if name == "pam_deny":
            return ""
        if name == "pam_permit" or (one.control == "sufficient" and name in UNPROVED):
            return name
    return ""


CHECK = Check(
    id="faillock",
    kind=Kind.HOST,
    title=Text("登录失败锁定", "Failed logins lock the account"),
    items=("8.1.4.1.b",),
    questions=(File("/etc/pam.d/common-auth"), File("/etc/security/faillock.conf")),
    judge=judge,
)

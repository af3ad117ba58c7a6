"""Failed logins lock an account for a while (pam_faillock; the old question asks for pam_tally2)."""

from collections.abc import Mapping, Sequence

from appliance.errors import Text
from compliance.answers import number, options
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File

DEFAULTS = {"deny": 3, "unlock_time": 600, "fail_interval": 900}
"""pam_faillock's own, in seconds but for the first (faillock.conf(5))."""
SHORTEST = (
    300  # seconds within which failures are counted together: fewer, and nobody is ever locked
)


def judge(proofs: Answers) -> Judgement:
    """Judge the PAM stack and faillock.conf: deny 5 / unlock 900 s, or deny 3 / unlock 300 s."""
    stack = proofs[0]
    used = [
        line.partition("pam_faillock.so")[2].split()
        for line in stack.lines()
        if "pam_faillock.so" in line.partition("#")[0]
    ]
    words = [word for line in used for word in line]
    # What stands in the stack goes over the file; then pam_faillock's own defaults. 0 never locks.
    conf = {**options(proofs[1].out), **options("\n".join(word for word in words if "=" in word))}
    deny, unlock, interval = (_set(conf, name) for name in DEFAULTS)
    faults = []
    if not {"preauth", "authfail"} <= set(words):  # one counts, the other refuses
        faults.append(Text("PAM 认证栈未启用 pam_faillock", "pam_faillock is not in the PAM stack"))
    if _open(stack.lines()):
        faults.append(
            Text("PAM 认证栈直接放行任何人（pam_permit）", "anybody is let in (pam_permit)")
        )
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


def _open(lines: Sequence[str]) -> bool:
    """Whether pam_permit stands before anything was proved; Debian's own stands after pam_deny."""
    auth = [line for line in lines if line.startswith("auth")]
    permit = next((n for n, line in enumerate(auth) if "pam_permit.so" in line), len(auth))
    deny = next((n for n, line in enumerate(auth) if "pam_deny.so" in line), len(auth))
    return permit < deny


CHECK = Check(
    id="faillock",
    kind=Kind.HOST,
    title=Text("登录失败锁定", "Failed logins lock the account"),
    items=("8.1.4.1.b",),
    questions=(File("/etc/pam.d/common-auth"), File("/etc/security/faillock.conf")),
    judge=judge,
)

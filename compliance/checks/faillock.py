"""Failed logins lock an account for a while (pam_faillock; the old question asks for pam_tally2)."""

from collections.abc import Sequence

from appliance.errors import Text
from compliance.answers import number, options
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File


def judge(proofs: Answers) -> Judgement:
    """Judge the PAM stack and faillock.conf: deny 5 / unlock 900 s, or deny 3 / unlock 300 s."""
    stack, conf = proofs[0], options(proofs[1].out)
    used = [
        line for line in stack.lines() if "pam_faillock.so" in line and not line.startswith("#")
    ]
    deny = number(conf.get("deny")) or 3  # pam_faillock's own defaults: 3 and 600
    unlock = number(conf.get("unlock_time"))
    unlock = 600 if unlock is None else unlock
    faults = []
    if not used:
        faults.append(Text("PAM 认证栈未启用 pam_faillock", "pam_faillock is not in the PAM stack"))
    if _open(stack.lines()):
        faults.append(
            Text("PAM 认证栈直接放行任何人（pam_permit）", "anybody is let in (pam_permit)")
        )
    strict = deny <= 5 and (unlock == 0 or unlock >= (300 if deny <= 3 else 900))
    if used and not strict:
        faults.append(
            Text(
                f"锁定阈值过宽：deny={deny} unlock_time={unlock}",
                f"too lax: deny={deny} unlock_time={unlock}",
            )
        )
    good = Text(f"失败 {deny} 次锁定 {unlock} 秒", f"{deny} failures lock for {unlock} s")
    return weigh(faults, 1, good)


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

"""sshd ends what does not authenticate, refuses empty passwords and root by password, drops the idle."""

from appliance.errors import Text
from compliance.answers import number, options
from compliance.checks.asked import SSHD
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.sshd import FILES, Exempt, elsewhere, exceptions

MOST = 5  # tries
EXCEPTION = ("permitemptypasswords yes", "permitrootlogin yes")
ALIVE = {"clientaliveinterval": 300, "clientalivecountmax": 3}
"""The most that an exception may say of each, so that 15 minutes hold for it too; 0 is never."""


def judge(proofs: Answers) -> Judgement:
    """Judge the effective configuration of sshd, and what `Match` makes an exception of (`-T` leaves it out)."""
    sshd = options(proofs[0].out)
    faults = []
    if (number(sshd.get("maxauthtries")) or 99) > MOST:
        faults.append(Text("MaxAuthTries 大于 5", "MaxAuthTries is above 5"))
    if sshd.get("permitemptypasswords") != "no":
        faults.append(Text("允许空口令", "empty passwords are permitted"))
    if sshd.get("permitrootlogin") == "yes":
        faults.append(Text("允许 root 用口令远程登录", "root may log in by password"))
    if not 0 < (number(sshd.get("logingracetime")) or 0) <= 120:
        faults.append(
            Text("LoginGraceTime 未限制在 120 秒内", "LoginGraceTime is not within 120 s")
        )
    alive = (number(sshd.get("clientaliveinterval")) or 0) * (
        number(sshd.get("clientalivecountmax")) or 0
    )
    if not 0 < alive <= 900:
        faults.append(
            Text("未在 15 分钟内断开失联会话", "dead sessions are not dropped within 15 minutes")
        )
    faults += [
        Text(f"Match 例外放宽：{one}", f"an exception (Match) allows: {one}")
        for one in exceptions(proofs[1].out)
        if _lax(one)
    ]
    faults += [
        Text(f"引用了未检查的文件 {path}", f"a file that nobody judges is included: {path}")
        for path in elsewhere(proofs[1].out)
    ]
    return weigh(
        faults, 5, Text("sshd 登录失败与超时处理有效", "sshd limits tries, time and dead sessions")
    )


def _lax(one: Exempt) -> bool:
    """Whether it lets in whom the rest keeps out, or leaves a dead session there."""
    if one.word in ALIVE:
        return not 0 < (number(one.value) or 0) <= ALIVE[one.word]
    if one.word == "maxauthtries":
        return (number(one.value) or 0) > MOST
    return str(one) in EXCEPTION


CHECK = Check(
    id="sshd_limits",
    kind=Kind.HOST,
    title=Text("SSH 登录失败处理与超时", "SSH limits failures and time"),
    items=("8.1.4.1.b",),
    questions=(SSHD, FILES),
    judge=judge,
)

"""Passwords must be complex and change: pam_pwquality, login.defs and each account's own limit."""

from appliance.errors import Text
from compliance.answers import number, options
from compliance.checks.asked import SHADOW
from compliance.evidence import Answers, Evidence
from compliance.model import Check, Judgement, Kind, weigh
from compliance.pam_stack import entries
from compliance.questions import File, command

LONGEST_DAYS = 90  # a testing body's level-3 handbook, Debian sheet
SHORTEST = 8
BINDING = ("requisite", "required")

QUALITY = command(
    "sh",
    "-c",
    "cat /etc/security/pwquality.conf /etc/security/pwquality.conf.d/*.conf 2>/dev/null || true",
)
LOGIN_DEFS = File("/etc/login.defs")
STACK = File("/etc/pam.d/common-password")


def judge(proofs: Answers) -> Judgement:
    """Judge the three places that together make the password policy of a Debian host."""
    shadow, quality, defs, stack = (
        proofs[0],
        options(proofs[1].out),
        options(proofs[2].out),
        proofs[3],
    )
    faults = []
    asked = [one for one in entries(stack.out, "password") if one.module == "pam_pwquality.so"]
    # What stands in the stack goes over the file.
    quality |= options("\n".join(word for one in asked for word in one.words if "=" in word))
    if not any(one.control in BINDING or one.control.startswith("[") for one in asked):
        faults.append(Text("PAM 未启用 pam_pwquality", "pam_pwquality is not in the PAM stack"))
    if quality.get("enforcing", "1") == "0":
        faults.append(Text("口令规则只提醒不强制", "a weak password is told of, and taken"))
    if (number(quality.get("minlen")) or 0) < SHORTEST:
        faults.append(
            Text(f"未要求口令长度至少 {SHORTEST} 位", f"minlen of at least {SHORTEST} is not set")
        )
    if (number(quality.get("minclass")) or _credits(quality)) < 3:
        faults.append(Text("未要求至少三类字符", "three classes of characters are not demanded"))
    if not 0 < (number(defs.get("pass_max_days")) or 99999) <= LONGEST_DAYS:
        faults.append(
            Text(
                f"PASS_MAX_DAYS 未设为 {LONGEST_DAYS} 天以内",
                f"PASS_MAX_DAYS is not within {LONGEST_DAYS} days",
            )
        )
    faults += _ages(shadow)
    good = Text("口令复杂度与更换周期均有强制", "Complexity and age of passwords are enforced")
    return weigh(faults, 4, good)


def _credits(quality: dict[str, str]) -> int:
    kinds = ("dcredit", "ucredit", "lcredit", "ocredit")
    return sum((number(quality.get(kind)) or 0) < 0 for kind in kinds)


def _ages(shadow: Evidence) -> list[Text]:
    faults = []
    for line in shadow.lines():
        name, state, days = [*line.split(":"), ""][:3]
        if state == "set" and not 0 < (number(days) or 99999) <= LONGEST_DAYS:
            faults.append(
                Text(f"账户 {name} 的口令不过期", f"the password of {name} does not expire")
            )
    return faults


CHECK = Check(
    id="password_policy",
    kind=Kind.HOST,
    title=Text("口令复杂度与定期更换", "Passwords are complex and changed"),
    items=("8.1.4.1.a",),
    questions=(SHADOW, QUALITY, LOGIN_DEFS, STACK),
    judge=judge,
)

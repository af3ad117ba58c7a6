"""Accounts of programs open no shell, and no account is left that nobody can use."""

from appliance.errors import Text
from compliance.checks.asked import PASSWD, SHADOW
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

CLOSED = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync")
"""Not among them: none at all, for which login takes /bin/sh (passwd(5))."""


def judge(proofs: Answers) -> Judgement:
    """Join `getent passwd` with the states of the passwords; people begin at uid 1000."""
    states = {line.split(":")[0]: line.split(":")[1] for line in proofs[1].lines()}
    faults = []
    people = 0
    for line in proofs[0].lines():
        name, _, uid, *_, shell = line.split(":")
        opened = shell not in CLOSED
        person = 1000 <= int(uid) < 60000
        people += person
        if opened and not person and uid != "0" and states.get(name) in ("set", "empty"):
            faults.append(
                Text(f"程序账户 {name} 可登录", f"{name}, a program's account, can log in")
            )
        if person and not opened:
            faults.append(
                Text(
                    f"人员账户 {name} 已无 shell，须由人确认后删除",
                    f"{name}, left without a shell, is still there; a person must remove it",
                )
            )
    good = Text(
        f"程序账户均不可登录，人员账户 {people} 个",
        f"Programs cannot log in; {people} accounts of people",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="shells",
    kind=Kind.HOST,
    title=Text("无多余可登录账户", "No superfluous account can log in"),
    items=("8.1.4.2.c",),
    questions=(PASSWD, SHADOW),
    judge=judge,
)

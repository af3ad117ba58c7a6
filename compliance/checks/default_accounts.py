"""No factory account can log in with a password, and root's password is locked."""

from appliance.errors import Text
from compliance.checks.asked import SHADOW
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

FACTORY = frozenset(
    (
        "root",
        "admin",
        "administrator",
        "debian",
        "ubuntu",
        "user",
        "guest",
        "test",
        "pi",
        "vagrant",
        "hbox",
    )
)


def judge(proofs: Answers) -> Judgement:
    """Judge the password states of accounts with a name every attacker knows."""
    faults = []
    for line in proofs[0].lines():
        name, state, _age = line.split(":")
        if name in FACTORY and state != "locked":
            faults.append(
                Text(
                    f"默认账户 {name} 可用口令登录",
                    f"default account {name} can log in by password",
                )
            )
    return weigh(
        faults, 1, Text("默认账户均不存在或已锁定口令", "Default accounts are absent or locked")
    )


CHECK = Check(
    id="default_accounts",
    kind=Kind.HOST,
    title=Text("默认账户已锁定", "Default accounts are locked"),
    items=("8.1.4.2.b",),
    questions=(SHADOW,),
    judge=judge,
)

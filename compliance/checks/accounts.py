"""Login names and user ids are unique and no account has an empty password."""

from collections import Counter
from collections.abc import Iterator

from appliance.errors import Text
from compliance.checks.asked import PASSWD, SHADOW
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh

SHADOWED = ("x", "*", "!")
"""What /etc/passwd may hold for a password: it lies in shadow, or there is none that fits. Empty lets anybody in."""


def judge(proofs: Answers) -> Judgement:
    """Judge `getent passwd` and the states in /etc/shadow (hashes are never asked for)."""
    passwd, shadow = proofs[0], proofs[1]
    people = [line.split(":") for line in passwd.lines()]
    if any(len(fields) != 7 for fields in people):
        raise ValueError("not a line of passwd(5)")
    faults = [*_twice(people), *_passwords(people), *_empty(shadow.lines())]
    # Each of these alone breaks the clause: there is no "partly" for an empty password.
    return weigh(
        faults,
        1,
        Text(
            f"{len(people)} 个账户名与标识唯一，无空口令",
            f"{len(people)} accounts: names and ids unique, no empty password",
        ),
    )


def _twice(people: list[list[str]]) -> Iterator[Text]:
    for name, times in Counter(fields[0] for fields in people).items():
        if times > 1:
            yield Text(
                f"账户名 {name} 重复，须由人查明并改名",
                f"login name {name} is not unique; a person must find whose it is",
            )
    for uid, times in Counter(fields[2] for fields in people).items():
        if times > 1:
            zh, en = f"用户标识 {uid} 被 {times} 个账户共用", f"{times} accounts share uid {uid}"
            # Whose files are whose cannot be told by a number that two have; only root's is known.
            by_hand = uid != "0"
            yield Text(
                zh + "，须由人查明文件归属后改号" * by_hand,
                en + "; a person must tell whose files are whose" * by_hand,
            )


def _passwords(people: list[list[str]]) -> Iterator[Text]:
    for name, held, *_ in people:
        if held not in SHADOWED:
            yield Text(
                f"账户 {name} 的口令不在 shadow 中", f"the password of {name} is not in shadow"
            )


def _empty(shadow: list[str]) -> Iterator[Text]:
    for line in shadow:
        name, state, *_ = line.split(":")
        if state == "empty":
            yield Text(f"账户 {name} 口令为空", f"account {name} has an empty password")


CHECK = Check(
    id="accounts",
    kind=Kind.HOST,
    title=Text("账户标识唯一且无空口令", "Accounts are unique and none has an empty password"),
    items=("8.1.4.1.a",),
    questions=(PASSWD, SHADOW),
    judge=judge,
)

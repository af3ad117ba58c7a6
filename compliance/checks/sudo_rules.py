"""sudo lets nobody do everything, and nobody anything without a password but with exact arguments."""

from collections.abc import Iterator

from appliance.errors import Text
from compliance import sudo
from compliance.checks.asked import PASSWD
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge every rule of sudoers; no sudo on the node gives nobody anything."""
    if not proofs[1].lines():
        return weigh([], 1, Text("未安装 sudo", "There is no sudo on this node"))
    text = proofs[0].out
    rules = len(sudo.rules(text))
    if not rules:
        return unknown("看不到任何 sudo 规则", "No rule of sudoers can be seen")
    faults = [one.text for one in sudo.faults(text, sudo.aliases(text))]
    faults += _members(proofs[2].lines(), proofs[3].lines())
    good = Text(f"{rules} 条 sudo 规则均有限定", f"{rules} sudo rules, each of them limited")
    return weigh(faults, 1, good)


def _members(groups: list[str], people: list[str]) -> Iterator[Text]:
    """Give who is of group sudo: by its list, by another group of its number, or by the account's own group."""
    split = [line.split(":") for line in groups]
    number = next((fields[2] for fields in split if fields[0] == "sudo"), "27")
    for name, _, gid, members in (fields for fields in split if len(fields) == 4):
        if members and (name == "sudo" or gid == number):
            yield Text(
                f"{name} 组成员 {members} 可执行任何命令",
                f"of group {name}, may run everything: {members}",
            )
    own = [fields[0] for fields in (line.split(":") for line in people) if fields[3] == number]
    for name in own:
        yield Text(
            f"账户 {name} 的主组为 sudo，可执行任何命令；请由人改为其他主组",
            f"{name}'s own group is sudo, so it may run everything; a person must give it another",
        )


CHECK = Check(
    id="sudo_rules",
    kind=Kind.HOST,
    title=Text("提权规则受限", "Rules for becoming root are limited"),
    items=("8.1.4.2.a", "8.1.4.2.d"),
    questions=(
        command("sh", "-c", "cat /etc/sudoers /etc/sudoers.d/* 2>/dev/null || true"),
        command("find", "/usr/bin", "-name", "sudo", ok=(0, 1)),
        command("getent", "group"),
        PASSWD,
    ),
    judge=judge,
)

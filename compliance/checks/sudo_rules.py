"""sudo lets nobody do everything, and nobody anything without a password but with exact arguments."""

import re
from collections.abc import Iterator

from appliance.errors import Text
from compliance import sudo
from compliance.checks.asked import PASSWD
from compliance.evidence import STDERR, Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

_BLANK = re.compile(r"(/\S*)\\(?: |\\\n)")
"""A program's path with a blank in it: `cvtsudoers` tells it from arguments as sudoers (where it may break the
line, with a backslash of its own, at that blank), but not as JSON."""


def judge(proofs: Answers) -> Judgement:
    """Judge every rule that sudo reads, wherever it is included from; no sudo gives nobody anything.

    sudo obeys what stands beside a rule that it cannot read, `cvtsudoers` then tells nothing (of an included file
    that is away not even why): a person must act.
    """
    told, spelt, program, groups, people = proofs
    if not program.lines():
        return weigh([], 1, Text("未安装 sudo", "There is no sudo on this node"))
    said = told.answer.partition(STDERR)[2]
    if not (told.there and spelt.there) or f"unable to open {sudo.MAIN}:" in said:
        return unknown("看不到任何 sudo 规则", "No rule of sudoers can be seen")
    read = sudo.read(told.out, told.exit or spelt.exit)
    unread = [" ".join(said.split())[:160] or sudo.MAIN] if said.strip() or read is None else []
    faults = [_unread(one) for one in (*unread, *_BLANK.findall(spelt.out))]
    faults += sudo.faults(read or {}, (read or {}).get("Command_Aliases", {}))
    rules = len((read or {}).get("User_Specs", ()))
    if not rules and not faults:
        return unknown("看不到任何 sudo 规则", "No rule of sudoers can be seen")
    faults += _members(groups.lines(), people.lines())
    return weigh(
        faults,
        1,
        Text(f"{rules} 条 sudo 规则均有限定", f"{rules} sudo rules, each of them limited"),
    )


def _unread(shown: str) -> Text:
    return Text(
        f"看不懂的 sudo 规则，须由人处理：{shown}",
        f"a rule that cannot be read, for a person to mend: {shown}",
    )


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
        command(*sudo.READER, "json", sudo.MAIN, ok=(0, 1), telling=True),
        command(*sudo.READER, "sudoers", sudo.MAIN, ok=(0, 1), telling=True),
        command("find", "/usr/bin", "-name", "sudo", ok=(0, 1)),
        command("getent", "group"),
        PASSWD,
    ),
    judge=judge,
)

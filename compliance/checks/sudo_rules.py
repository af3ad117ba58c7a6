"""sudo lets nobody do everything, and nobody anything without a password but with exact arguments."""

import re
from collections.abc import Mapping

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

NOT_RULES = ("Defaults", "@include", "#include", "User_Alias", "Host_Alias", "Runas_Alias")
EVERYTHING = ("ALL", "su", "sh", "bash", "dash", "zsh")
"""Commands that stand for all others: sudoers' own word, and what gives a shell."""
ALIAS = re.compile(r"(?:^Cmnd_Alias| :)\s+([A-Z][A-Z0-9_]*)\s*=((?:(?! : ).)*)")
BEFORE = re.compile(r"^(?:\([^)]*\)|[A-Z_]+ ?:|\s)*")  # whom as, and tags


def judge(proofs: Answers) -> Judgement:
    """Judge every rule of sudoers; no sudo on the node gives nobody anything."""
    if not proofs[1].lines():
        return weigh([], 1, Text("未安装 sudo", "There is no sudo on this node"))
    faults, rules = [], 0
    lines = _whole(proofs[0].out)
    aliases = {m[1]: m[2] for line in lines for m in ALIAS.finditer(line)}
    for line in lines:
        counts, fault = _rule(line, aliases)
        rules += counts
        faults += [fault] if fault else []
    if not rules:
        return unknown("看不到任何 sudo 规则", "No rule of sudoers can be seen")
    members = proofs[2].out.strip().rpartition(":")[2]
    if members:
        faults.append(
            Text(
                f"sudo 组成员 {members} 可执行任何命令",
                f"of group sudo, may run everything: {members}",
            )
        )
    good = Text(f"{rules} 条 sudo 规则均有限定", f"{rules} sudo rules, each of them limited")
    return weigh(faults, 1, good)


def _whole(text: str) -> list[str]:
    """Return the lines without comments, each with what goes on behind a backslash; `#1000` is a user's number."""
    joined = re.sub(r"\\\n", " ", text)
    bare = [re.sub(r"#(?!\d|include).*", "", line).strip() for line in joined.splitlines()]
    return [line for line in bare if line]


def _rule(bare: str, aliases: Mapping[str, str]) -> tuple[bool, Text | None]:
    """Return whether the line is a rule, and what is wrong with it."""
    if bare.startswith("Defaults") and "!authenticate" in bare:
        return False, Text(
            "sudo 不要求口令（!authenticate）", "no password is asked (!authenticate)"
        )
    if bare.startswith((*NOT_RULES, "Cmnd_Alias")):
        return False, None
    left, sign, what = " ".join(bare.split()).partition("=")
    who = re.sub(r" ?, ?", ",", left.strip()).rpartition(" ")[0]
    if not sign or not who:
        return True, Text(
            f"看不懂的 sudo 规则：{bare[:80]}", f"a rule that cannot be read: {bare[:80]}"
        )
    everything = any(_everything(one, aliases) for one in _commands(what))
    if everything and not set(who.split(",")) <= {"root", "%sudo"}:
        return True, Text(f"{who} 可执行任何命令", f"{who} may run everything")
    if re.search("NOPASSWD ?:", what) and (everything or "*" in what):
        return True, Text(f"{who} 免口令且参数不受限", f"{who}: no password, open arguments")
    return True, None


def _commands(what: str) -> list[str]:
    """Return what follows the first `=` as single commands; ` : ` begins the next list of hosts."""
    first, *more = what.split(" : ")
    return ",".join([first, *(one.partition("=")[2] for one in more)]).split(",")


def _everything(command: str, aliases: Mapping[str, str]) -> bool:
    """Whether a command of a rule stands for all commands, itself or through aliases; each is followed once."""
    waiting, seen = [command], set[str]()
    while waiting:
        first = next(iter(BEFORE.sub("", waiting.pop()).split()), "")
        if first in aliases and first not in seen:
            seen.add(first)
            waiting += aliases[first].split(",")
        elif first.rpartition("/")[2] in EVERYTHING:
            return True
    return False


CHECK = Check(
    id="sudo_rules",
    kind=Kind.HOST,
    title=Text("提权规则受限", "Rules for becoming root are limited"),
    items=("8.1.4.2.a", "8.1.4.2.d"),
    questions=(
        command("sh", "-c", "cat /etc/sudoers /etc/sudoers.d/* 2>/dev/null || true"),
        command("find", "/usr/bin", "-name", "sudo", ok=(0, 1)),
        command("getent", "group", "sudo", ok=(0, 2)),
    ),
    judge=judge,
)

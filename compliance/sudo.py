"""What is wrong with sudo's rules, as sudo's own parser gives them (cvtsudoers(1), its JSON). Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from appliance.errors import Text

MAIN, FOLDER = "/etc/sudoers", "/etc/sudoers.d"
READER = ("cvtsudoers", "-c", "/dev/null", "-f")
"""Before a form and a file. It is given no settings file: one could make it leave rules out."""

Told = Mapping[str, Any]
Aliases = Mapping[str, Sequence[Told]]

_OWNERS: tuple[Told, ...] = ({"username": "root"}, {"usergroup": "sudo"})
"""Who may do everything: root himself, and a group that the check finds empty."""
_SIGNS = {
    "usergroup": "%", "userid": "#", "usergid": "%#", "netgroup": "+", "nonunixgroup": "%:", "nonunixgid": "%:#"
}  # fmt: skip
_SHELL = re.compile(r"su|sudo|busybox|env|(ba|da|rba|z|k|mk|c|tc|fi|a)?sh")
"""Commands that stand for all others, whatever is said behind them."""
_OPEN = re.compile(
    r"python[\d.]*|perl[\d.]*|ruby[\d.]*|lua[\d.]*|node|[gmn]?awk|vi|vim(\.\w+)?|nano|ed|emacs|less|more|man|find|"
    r"xargs|sudoedit|visudo|tee|dd|cp|mv|chmod|chown|mount|apt|apt-get|dpkg|systemctl|systemd-run|virsh"
)
"""Commands that stand for all others unless each word behind them is fixed."""


def read(out: str, code: int) -> Told | None:
    """Return what `cvtsudoers` printed; None where it did not read the rules, or (older ones) broke its JSON."""
    try:
        told: Told = json.loads(out or "{}")
    except ValueError:
        return None
    return None if code else told


def owners(specs: Iterable[Told]) -> bool:
    """Whether these rules are for nobody but those who may do everything."""
    return all(user in _OWNERS for one in specs for user in one["User_List"])


def faults(told: Told, known: Aliases) -> list[Text]:
    """Return what is wrong, each once; `known` are the aliases of commands (of all files together)."""
    found = [
        text for one in told.get("Defaults", ()) for o in one["Options"] for text in _default(o)
    ]
    found += [text for one in told.get("User_Specs", ()) for text in _rule(one, known)]
    return list(dict.fromkeys(found))


def _default(option: Told) -> Iterator[Text]:
    if option.get("authenticate") is False:
        yield Text("sudo 不要求口令（!authenticate）", "no password is asked (!authenticate)")
    if option.get("exempt_group") or str(option.get("timestamp_timeout")).startswith("-"):
        shown = "，".join(f"{name}={value}" for name, value in option.items())
        yield Text(f"sudo 不再要求口令：{shown}", f"no password is asked: {shown}")


def _rule(spec: Told, known: Aliases) -> Iterator[Text]:
    who = ",".join(map(_name, spec["User_List"]))
    for part in spec["Cmnd_Specs"]:
        given = list(_given(part["Commands"], known))
        everything = any(map(_everything, given))
        if everything and not owners([spec]):
            yield Text(f"{who} 可执行任何命令", f"{who} may run everything")
        elif {"authenticate": False} in part.get("Options", ()) and (
            everything or any(map(_opened, given))
        ):
            yield Text(f"{who} 免口令且参数不受限", f"{who}: no password, open arguments")


def _name(user: Told) -> str:
    kind, name = next((k, v) for k, v in user.items() if k != "negated")
    return f"{'!' if user.get('negated') else ''}{_SIGNS.get(kind, '')}{name}"


def _given(listed: Iterable[Told], known: Aliases) -> Iterator[str]:
    """Yield the commands that are allowed, each alias followed once as it is and once negated."""
    waiting, seen = [(one, True) for one in listed], set[tuple[str, bool]]()
    while waiting:
        one, allowed = waiting.pop()
        allowed = allowed is not one.get("negated", False)
        alias = one.get("cmndalias")
        if alias is None and allowed:
            yield one["command"]
        elif alias is not None and (alias, allowed) not in seen:
            seen.add((alias, allowed))
            waiting += [(two, allowed) for two in known.get(alias, ())]


def _everything(command: str) -> bool:
    path = command.partition(" ")[0]
    name = path.rpartition("/")[2]
    if path == "ALL" or not name or path.startswith("^") or re.search(r"[*?\[]", path):
        return True
    return bool(_SHELL.fullmatch(name) or (_OPEN.fullmatch(name) and _opened(command)))


def _opened(command: str) -> bool:
    """Whether anything may be said behind it: nothing is laid down (`""` would be that nothing may), or a pattern."""
    words = command.partition(" ")[2]
    return not words or words.startswith("^") or bool(re.search(r"[*?\[]", words))

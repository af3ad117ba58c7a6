"""Reads sudoers as sudo does (sudoers(5)): its rules, what is wrong with each, and the file without it. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from appliance.errors import Text

FOLDER = "/etc/sudoers.d"
LIMITED = frozenset(("root", "%sudo"))
"""Who may do everything: root himself, and a group that the check finds empty."""
SHELL = re.compile(r"su|sudo|busybox|env|(ba|da|rba|z|k|mk|c|tc|fi|a)?sh")
"""Commands that stand for all others, whatever is said behind them."""
OPEN = re.compile(
    r"python[\d.]*|perl[\d.]*|ruby[\d.]*|lua[\d.]*|node|[gmn]?awk|vi|vim(\.\w+)?|nano|ed|emacs|less|more|man|find|"
    r"xargs|sudoedit|visudo|tee|dd|cp|mv|chmod|chown|mount|apt|apt-get|dpkg|systemctl|systemd-run|virsh"
)
"""Commands that stand for all others unless each word behind them is fixed."""

_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*"|\\.)|#(?!-?\d|include).*')
_DEFAULTS = re.compile(r"Defaults(?=[\s@:!>]|$)")
_ALIAS = re.compile(r"(User|Host|Runas|Cmnd|Cmd)_Alias\s+(.*)")
_INCLUDE = re.compile(r"[@#]include(dir)?\s+(.*)")
_NAMED = re.compile(r"\s*([A-Z][A-Z0-9_]*)\s*\+?=(.*)")
_TAG = re.compile(r"\b(NO)?(EXEC|FOLLOW|INTERCEPT|LOG_INPUT|LOG_OUTPUT|MAIL|PASSWD|SETENV)\s*:")
_OPTION = re.compile(
    r"\b(ROLE|TYPE|PRIVS|LIMITPRIVS|APPARMOR_PROFILE|NOTBEFORE|NOTAFTER|TIMEOUT|CWD|CHROOT)\s*=\s*"
    r'("[^"]*"|\S+)'
)
_DIGEST = re.compile(r"\bsha\d+\s*:\s*\S+")
_WORD = re.compile(r'"[^"]*"|(?:\\.|[^\s\\])+')
_FREE = re.compile(r"\bNOPASSWD\s*:\s*")
_UNASKED = re.compile(r"!\s*authenticate\b")
_NEVER_AGAIN = re.compile(r"\b(exempt_group\s*=|timestamp_timeout\s*=\s*\"?-)")


@dataclass(frozen=True)
class Line:
    """One statement: the numbers of its first and last line in the file, and its text without comments."""

    first: int
    last: int
    bare: str


@dataclass(frozen=True)
class Fault:
    """What is wrong with a statement. `person`: nobody but a person can tell what it was meant to do."""

    line: Line
    text: Text
    person: bool = False


def lines(text: str) -> list[Line]:
    """Return the statements; a backslash continues one, but no comment; `#1000` is a user's number."""
    found, held, first = list[Line](), "", 0
    for number, raw in enumerate(text.splitlines()):
        first = first if held else number
        cut = _COMMENT.sub(lambda m: m[1] or "", raw)
        if cut.endswith("\\"):
            held += cut[:-1] + " "
            continue
        bare, held = (held + cut).strip(), ""
        if bare:
            found.append(Line(first, number, bare))
    return [*found, Line(first, number, held.strip())] if held.strip() else found


def aliases(text: str) -> dict[str, str]:
    """Return every alias of commands with its list; one that is said again (`+=`) has both."""
    found: dict[str, str] = {}
    for line in lines(text):
        kind = _ALIAS.fullmatch(line.bare)
        if kind and kind[1] in ("Cmnd", "Cmd"):
            for one in re.split(r":(?=\s*[A-Z][A-Z0-9_]*\s*\+?=)", kind[2]):
                if named := _NAMED.fullmatch(one):
                    found[named[1]] = ",".join(filter(None, (found.get(named[1]), named[2])))
    return found


def rules(text: str) -> list[Line]:
    """Return the statements that give somebody something."""
    others = (_DEFAULTS, _ALIAS, _INCLUDE)
    return [one for one in lines(text) if not any(other.match(one.bare) for other in others)]


def faults(text: str, known: Mapping[str, str]) -> Iterator[Fault]:
    """Yield what is wrong, statement by statement; `known` are the aliases of all files together."""
    for line in lines(text):
        include = _INCLUDE.match(line.bare)
        if include:
            path = include[2].strip().strip('"').rstrip("/")
            if not include[1] or path != FOLDER:
                yield Fault(
                    line, Text(f"引用了未检查的文件 {path}", f"includes what nobody judges: {path}")
                )
        elif _DEFAULTS.match(line.bare):
            yield from _defaults(line)
        elif not _ALIAS.match(line.bare):
            yield from _rule(line, known)


def _defaults(line: Line) -> Iterator[Fault]:
    if _UNASKED.search(line.bare):
        yield Fault(
            line,
            Text("sudo 不要求口令（!authenticate）", "no password is asked (!authenticate)"),
        )
    if _NEVER_AGAIN.search(line.bare):
        shown = line.bare[:80]
        yield Fault(line, Text(f"sudo 不再要求口令：{shown}", f"no password is asked: {shown}"))


def _rule(line: Line, known: Mapping[str, str]) -> Iterator[Fault]:
    left, sign, what = " ".join(line.bare.split()).partition("=")
    who = re.sub(r" ?, ?", ",", left.strip()).rpartition(" ")[0]
    if not sign or not who:
        shown = line.bare[:80]
        told = Text(
            f"看不懂的 sudo 规则，须由人处理：{shown}",
            f"a rule that cannot be read, for a person to mend: {shown}",
        )
        yield Fault(line, told, person=True)
        return
    given = [one for part in _commands(what) for one in _spelt(part, known)]
    everything = any(map(_everything, given))
    if everything and not set(who.split(",")) <= LIMITED:
        yield Fault(line, Text(f"{who} 可执行任何命令", f"{who} may run everything"))
    elif _FREE.search(what) and any(_everything(one) or _opened(one) for one in given):
        yield Fault(line, Text(f"{who} 免口令且参数不受限", f"{who}: no password, open arguments"))


def _commands(what: str) -> list[str]:
    """Return what follows the first `=` as single commands without tags; `:` begins the next list of hosts."""
    bare = re.sub(r"\([^)]*\)", " ", what)
    for pattern in (_TAG, _OPTION, _DIGEST):
        bare = pattern.sub(" ", bare)
    first, *more = re.split(r"(?<!\\):", bare)
    joined = ",".join([first, *(one.partition("=")[2] for one in more)])
    return [one.strip() for one in re.split(r"(?<!\\),", joined)]


def _spelt(command: str, known: Mapping[str, str]) -> list[str]:
    """Return what a command of a rule stands for, itself or through aliases (each is followed once)."""
    waiting, seen, found = [command], set[str](), list[str]()
    while waiting:
        one = re.sub(r"^(\s*!\s*!)+", "", waiting.pop()).strip()
        if one in known and one not in seen:
            seen.add(one)
            waiting += _commands(known[one])
        elif one and not one.startswith("!"):
            found.append(one)
    return found


def _everything(command: str) -> bool:
    found = _WORD.match(command)
    path = re.sub(r"\\(.)", r"\1", found[0].strip('"')) if found else ""
    name = path.rpartition("/")[2]
    if path == "ALL" or not name or path.startswith("^") or re.search(r"[*?\[]", path):
        return True
    return bool(SHELL.fullmatch(name) or (OPEN.fullmatch(name) and _opened(command)))


def _opened(command: str) -> bool:
    """Whether anything may be said behind it: nothing is laid down (`""` would be that nothing may), or a pattern."""
    found = _WORD.match(command)
    words = command[found.end() :].strip() if found else ""
    return not words or words.startswith("^") or bool(re.search(r"[*?\[]", words))


def mended(text: str, known: Mapping[str, str]) -> str:
    """Return the file without what is wrong: a password is asked again, or the statement is a comment.

    A rule that only a person can read stays.
    """
    rows = text.splitlines(keepends=True)
    for fault in faults(text, known):
        if not fault.person:
            _mend(rows, fault.line, known)
    return "".join(rows)


def _mend(rows: list[str], line: Line, known: Mapping[str, str]) -> None:
    place = range(line.first, line.last + 1)
    asked = [_FREE.sub("", _UNASKED.sub("authenticate", rows[at])) for at in place]
    owners = _DEFAULTS.match(line.bare) or re.match(r"(root|%sudo)\s", line.bare)
    if owners and not any(faults("".join(asked), known)):
        rows[line.first : line.last + 1] = asked
        return
    for at in place:
        if not rows[at].startswith("# hbox: "):
            rows[at] = f"# hbox: {rows[at]}"

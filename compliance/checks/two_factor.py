"""Logging in over SSH takes two different factors, one of them cryptographic."""

from appliance.errors import Text
from compliance.answers import options
from compliance.checks.asked import SSHD
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.sshd import FILES, elsewhere, exceptions

SECOND = ("password", "keyboard-interactive", "gssapi-with-mic")
"""What a person adds to the key; `hostbased` is the machine's own, and no factor of anybody."""
OWN, SHELL = "user hbox-inspect", "/usr/lib/hbox/inspect-shell"
"""The box's inspector: a machine whose only program answers fixed questions (`compliance.sudoers`)."""


def judge(proofs: Answers) -> Judgement:
    """Every listed way, and every exception's, must join a public key with something else; `any` is one factor.

    AuthenticationMethods alone decides: a method that is off leaves a way that nobody can go, not a shorter one.
    """
    ways = options(proofs[0].out).get("authenticationmethods", "any").split()
    weak = [way for way in ways if not _two(way)]
    faults = [
        Text(f"SSH 登录方式 {way} 只需一种因素", f"SSH's way in `{way}` takes one factor only")
        for way in weak
    ]
    faults += [
        Text(f"Match 例外只需一种因素：{match}（{way}）", f"one factor for Match {match}: {way}")
        for match, way in _exempt(proofs[1].out)
        if not _two(way)
    ]
    faults += [
        Text(f"引用了未检查的文件 {path}", f"a file that nobody judges is included: {path}")
        for path in elsewhere(proofs[1].out)
    ]
    return weigh(
        faults, 1, Text("所有登录方式均为两种因素", "Every way to log in takes two factors")
    )


def _two(way: str) -> bool:
    kinds = {method.partition(":")[0] for method in way.split(",")}
    return "publickey" in kinds and any(kind in SECOND for kind in kinds)


def _exempt(text: str) -> list[tuple[str, str]]:
    """Return every way of every exception but the inspector's own, as long as that is bound to its one program."""
    found = exceptions(text)
    forced = {one.value for one in found if (one.match, one.word) == (OWN, "forcecommand")}
    return [
        (one.match, way)
        for one in found
        if one.word == "authenticationmethods" and (one.match != OWN or forced != {SHELL})
        for way in one.value.split()
    ]


CHECK = Check(
    id="two_factor",
    kind=Kind.HOST,
    title=Text("双因素鉴别", "Two-factor login"),
    items=("8.1.4.1.d",),
    questions=(SSHD, FILES),
    judge=judge,
)

"""Logging in over SSH takes two different factors, one of them cryptographic."""

from appliance.errors import Text
from compliance.answers import options
from compliance.checks.asked import SSHD
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh


def judge(proofs: Answers) -> Judgement:
    """Every listed way must join a public key with something else; `any` means one factor is enough."""
    ways = options(proofs[0].out).get("authenticationmethods", "any").split()
    weak = [way for way in ways if not _two(way)]
    faults = [
        Text(f"SSH 登录方式 {way} 只需一种因素", f"SSH's way in `{way}` takes one factor only")
        for way in weak
    ]
    return weigh(
        faults, 1, Text("所有登录方式均为两种因素", "Every way to log in takes two factors")
    )


def _two(way: str) -> bool:
    kinds = {method.partition(":")[0] for method in way.split(",")}
    return "publickey" in kinds and len(kinds) >= 2


CHECK = Check(
    id="two_factor",
    kind=Kind.HOST,
    title=Text("双因素鉴别", "Two-factor login"),
    items=("8.1.4.1.d",),
    questions=(SSHD,),
    judge=judge,
)

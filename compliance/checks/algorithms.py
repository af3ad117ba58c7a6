"""Cryptography in use follows the standards: each use was tried, none is broken, national ones are there."""

import json

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

BROKEN = (
    "md5",
    "sha-1",
    "sha1",
    "rc4",
    "3des",
    "des-",
    "rsa-1024",
    "tlsv1.0",
    "tlsv1.1",
    "ssh-dss",
)


def judge(proofs: Answers) -> Judgement:
    """Judge the box's own inventory of algorithms."""
    uses = json.loads(proofs[0].out)
    if not uses:
        return unknown("算法清单为空", "The inventory is empty")
    faults = []
    for use in uses:
        name = str(use["algorithm"])
        if any(word in name.lower() for word in BROKEN):
            faults.append(Text(f"过时算法 {name}", f"a broken algorithm: {name}"))
        elif use["seen"] == "absent":
            faults.append(Text(f"{name} 应有而无", f"{name} should be here and is not"))
    if not any(use["national"] for use in uses):
        faults.append(Text("没有使用国密算法", "no national algorithm is used"))
    own = sum(bool(use["national"]) for use in uses)
    good = Text(
        f"{len(uses)} 处密码应用，其中国密 {own} 处",
        f"{len(uses)} uses of cryptography, {own} of them national",
    )
    return weigh(faults, len(uses), good)


CHECK = Check(
    id="algorithms",
    kind=Kind.CONTROLLER,
    title=Text("密码算法清单", "Inventory of cryptographic algorithms"),
    items=("8.1.10.9.a",),
    questions=(command("hbox", "gateway", "algorithms", "--format", "json", root=True),),
    judge=judge,
)

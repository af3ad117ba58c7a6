"""The gateway was proved lately: every known way across was tried, all refused, and it is signed."""

import datetime as dt
import json

from appliance.canonical import canonical
from appliance.errors import BoxError, Text
from appliance.signing import VerifyKey
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File, sql

FRESH = dt.timedelta(hours=24)
UNSIGNED = ("signature", "sm2", "holds", "level_means")
"""What is added to a proof after it was signed; all else is under the signature."""


def judge(proofs: Answers) -> Judgement:
    """Judge the latest proof in the records; its age is counted to the moment of asking."""
    found = rows(proofs[0].out)
    if not found:
        return weigh(
            [Text("从未做过网关验证", "the gateway has never been proved")], 1, Text("", "")
        )
    proof = json.loads(found[0]["document"])
    faults = []
    try:
        key = VerifyKey.from_pem(proofs[1].out.encode())
        stated = canonical({name: proof[name] for name in proof if name not in UNSIGNED})
        key.verify(bytes.fromhex(proof["signature"]), stated, what="proof")
    except (BoxError, ValueError):
        faults.append(Text("验证记录签名无效", "the proof's signature is not valid"))
    age = dt.datetime.fromisoformat(proofs[0].at) - dt.datetime.fromisoformat(proof["at"])
    if not dt.timedelta(0) <= age <= FRESH:
        faults.append(Text("验证记录已超过 24 小时", "the proof is older than 24 hours"))
    tried = proof["findings"]
    for one in tried:
        if one["verdict"] != "refused":
            shown = f"{one.get('probe') or one.get('id')}: {one['verdict']}"
            faults.append(Text(f"通路未被拒绝 {shown}", f"a way was not refused: {shown}"))
    if not tried:
        faults.append(Text("验证记录为空", "the proof tried nothing"))
    good = Text(
        f"{len(tried)} 条已知通路全部被拒（{proof['level']}）",
        f"All {len(tried)} known ways were refused ({proof['level']})",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="gateway_proof",
    kind=Kind.BOUNDARY,
    title=Text("网关隔离已验证", "The gateway's separation is proved"),
    items=("8.1.2.1.d", "8.1.3.1.a"),
    questions=(
        sql("SELECT document FROM proofs ORDER BY at DESC LIMIT 1"),
        File("/var/lib/hbox/keys/report.key.pub"),
    ),
    judge=judge,
)

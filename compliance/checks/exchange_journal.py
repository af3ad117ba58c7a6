"""The exchange's journal is closed to others, and its head was signed after its last record."""

import datetime as dt
import json

from appliance.canonical import canonical
from appliance.errors import BoxError, Text
from appliance.signing import VerifyKey
from compliance.answers import modes
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File, command

OWNER = "hbox-guard"
LATE = 900.0  # seconds; the head is signed every minute
FOLDER = "/var/lib/hbox/gateway/journal"
_DOMAIN = b"hbox gateway journal head 1\n"  # as the gateway writes it before what it signs


def judge(proofs: Answers) -> Judgement:
    """Judge owner and mode of each file, the signature over the last head, and its age beside the records'."""
    files, heads = modes(proofs[0].out), proofs[2].lines()
    faults = [
        Text(f"日志文件权限过宽 {one.path}", f"open to others: {one.path}")
        for one in files
        if one.bits & 0o077 or one.user != OWNER
    ]
    written = max((float(line.split()[0]) for line in proofs[1].lines()), default=0.0)
    if written and not heads:
        faults.append(Text("日志从未签名封存", "the journal's head was never signed"))
    if heads:
        last = json.loads(heads[-1])
        try:
            key = VerifyKey.from_pem(proofs[3].out.encode())
            key.verify(
                bytes.fromhex(last["ed25519"]), _DOMAIN + canonical(last["head"]), what="head"
            )
        except (BoxError, ValueError):
            faults.append(Text("日志封存签名无效", "the signature over the head does not hold"))
        if written > dt.datetime.fromisoformat(last["head"]["at"]).timestamp() + LATE:
            faults.append(Text("最新日志尚未封存", "the newest records are not sealed"))
    good = Text(
        f"{len(files)} 个日志文件封闭并已签名封存", f"{len(files)} journal files, closed and sealed"
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="exchange_journal",
    kind=Kind.BOUNDARY,
    title=Text("交换日志防篡改", "The exchange's journal cannot be altered unseen"),
    items=("8.1.3.5.c", "8.1.4.3.c"),
    questions=(
        command("find", FOLDER, "-type", "f", "-printf", "%m %u %g %p\\n", ok=(0, 1)),
        command("find", FOLDER, "-type", "f", "-size", "+0", "-printf", "%T@ %p\\n", ok=(0, 1)),
        command("tail", "-n", "1", "/var/lib/hbox/audit/journal-heads.jsonl", ok=(0, 1)),
        File("/var/lib/hbox/keys/journal-ed25519.key.pub"),
    ),
    judge=judge,
)

"""Every look at a machine's screen is on record: who, which machine, from where, from when until when."""

from appliance.errors import Text
from compliance.answers import days, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import sql

LONGEST = 0.5  # days that a session may stay open


def judge(proofs: Answers) -> Judgement:
    """Judge the sessions and that each has its entry on the audit chain."""
    found = rows(proofs[0].out)
    audited = {row["object"].rpartition("/")[2] for row in rows(proofs[1].out)}
    faults = []
    for row in found:
        name = f"{row['account']} → {row['vm_name']} {row['asked_at'][:16]}"
        if not row["account"] or (row["opened_at"] and not row["peer"]):
            faults.append(Text(f"会话记录不全 {name}", f"a session is not on record whole: {name}"))
        if row["vm_id"] not in audited:
            faults.append(Text(f"会话未审计 {name}", f"a session was not audited: {name}"))
        if row["state"] in ("asked", "open") and days(proofs[0].at, row["asked_at"]) > LONGEST:
            faults.append(Text(f"会话未及时关闭 {name}", f"a session was left open: {name}"))
    return weigh(
        faults,
        1,
        Text(f"{len(found)} 次远程会话均有记录", f"{len(found)} remote sessions, all on record"),
    )


CHECK = Check(
    id="remote_sessions",
    kind=Kind.CONTROLLER,
    title=Text("远程访问单独审计", "Remote access is audited"),
    items=("8.1.3.5.d", "8.1.10.6.h", "8.1.10.6.i"),
    questions=(
        sql(
            "SELECT account, vm_id, vm_name, state, peer, asked_at, opened_at, closed_at FROM console_sessions "
            "ORDER BY asked_at DESC LIMIT 100"
        ),
        sql("SELECT DISTINCT object FROM audit WHERE act = 'vm.console' ORDER BY object"),
    ),
    judge=judge,
)

"""No storage is so full that copies could no longer be made anew."""

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql

MOST = 90  # percent


def judge(proofs: Answers) -> Judgement:
    """Judge the state that the records give each storage, and the file system of the box's own state."""
    faults = [
        Text(f"存储 {row['name']} 状态 {row['state']}", f"storage {row['name']}: {row['state']}")
        for row in rows(proofs[0].out)
        if row["state"] in ("full", "no_spare", "error")
    ]
    used = int(proofs[1].lines()[-1].strip().rstrip("%"))
    if used > MOST:
        faults.append(Text(f"/var/lib/hbox 已用 {used}%", f"/var/lib/hbox is {used}% full"))
    return weigh(
        faults, 1, Text(f"存储有余量，本机已用 {used}%", f"There is room; {used}% in use here")
    )


CHECK = Check(
    id="storage_room",
    kind=Kind.CONTROLLER,
    title=Text("存储容量有余量", "Storage has room"),
    items=("8.1.2.1.a", "8.1.5.4.c"),
    questions=(
        sql("SELECT name, state FROM storages ORDER BY name"),
        command("df", "--output=pcent", "/var/lib/hbox"),
    ),
    judge=judge,
)

"""What crosses the zones was changed only on request, tried before, and approved by somebody else of security."""

from appliance.errors import Text
from compliance.answers import held, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import sql


def judge(proofs: Answers) -> Judgement:
    """Judge every change in force and every approved module: who asked, why, the trial, who decided."""
    changes, modules, added = (rows(proof.out) for proof in proofs)
    if not changes and not modules:
        return unknown("没有任何变更记录", "There is no change on record")
    faults = []
    for row in changes:
        trial = held(row["trial"]) if row["trial"] else None
        wrong = [
            name for name, bad in (
                ("approver", not row["approver"] or row["approver"] == row["requester"]),
                ("reason", not str(row["reason"]).strip()),
                ("trial", row["op"] != "remove" and (not trial or trial.get("digest") != row["digest"])),
            ) if bad
        ]  # fmt: skip
        if wrong:
            shown = f"{row['number']} {row['channel']}: {','.join(wrong)}"
            faults.append(Text(f"变更手续不全 {shown}", f"a change lacks {shown}"))
    by = {row["object"].rpartition("/")[2]: row["actor"] for row in added}
    faults += [
        Text(f"模块 {row['id']} 未经他人审批", f"nobody else approved module {row['id']}")
        for row in modules
        if not row["approved_by"] or row["approved_by"] == by.get(row["id"])
    ]
    good = Text(
        f"{len(changes)} 次通道变更、{len(modules)} 个模块均由他人审批",
        f"{len(changes)} changes and {len(modules)} modules, approved by somebody else",
    )
    return weigh(faults, max(1, len(changes) + len(modules)), good)


CHECK = Check(
    id="change_approvals",
    kind=Kind.CONTROLLER,
    title=Text(
        "变更经申请、试运行与他人审批", "Changes are asked for, tried, and approved by another"
    ),
    items=(
        "8.1.5.3.b",
        "8.1.7.3.b",
        "8.1.9.7.b",
        "8.1.10.6.g",
        "8.1.10.10.a",
        "8.1.10.10.b",
    ),
    questions=(
        sql(
            "SELECT number, channel, op, digest, reason, requester, approver, trial FROM channel_changes "
            "WHERE version IS NOT NULL ORDER BY number DESC LIMIT 100"
        ),
        sql(
            "SELECT id, approved_by FROM modules WHERE state = 'running' AND approved_at IS NOT NULL ORDER BY id"
        ),
        sql("SELECT object, actor FROM audit WHERE act = 'module.install' ORDER BY number"),
    ),
    judge=judge,
)

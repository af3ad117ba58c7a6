"""What needs a person in people's part of the inspection: approvals, review days that come near, drift."""

import datetime as dt
from collections.abc import Iterator

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Text
from controller.actions.base import Role
from controller.actions.papers import AnswerQuestion, ApproveAnswer
from controller.records import answers, compliance
from controller.records.questioning import NEAR
from controller.web.facts.need import Need


def approvals(session: Session) -> Iterator[Need]:
    """Statements and waivers that wait for the audit administrator."""
    for held, href, what in (
        (
            answers.statements(session),
            "/compliance/questions?state=waits",
            ("人员记录", "statements"),
        ),
        (answers.waivers(session), "/compliance/waivers", ("豁免申请", "waivers")),
    ):
        waiting = sum(one.state == "asked" for one in held)
        if waiting:
            yield Need(
                "warn",
                Text(f"{waiting} 份{what[0]}等待批准", f"{waiting} {what[1]} wait for approval"),
                Text("批准之前不生效。", "They count from their approval on."),
                href,
                Text("审阅", "Read them"),
                ApproveAnswer.roles,
            )


def reviews(session: Session) -> Iterator[Need]:
    """Statements and waivers that hold no more, or for less than a month."""
    limit = (clock.now().date() + dt.timedelta(days=NEAR)).isoformat()
    ends = [one.review_by for one in answers.statements(session) if one.state == "approved"]
    ends += [one.expires for one in answers.waivers(session) if one.state == "approved"]
    near = sorted(end for end in ends if end <= limit)
    if near:
        yield Need(
            "warn",
            Text(
                f"{len(near)} 份人员记录或豁免即将到期或已过期",
                f"{len(near)} statements or waivers end soon, or have ended",
            ),
            Text(
                f"最早 {near[0]}；过期后不再计入检查结果。",
                f"The first on {near[0]}; after its day none of them counts.",
            ),
            "/compliance/questions?state=soon",
            Text("复核", "Review them"),
            AnswerQuestion.roles,
        )


def drift(session: Session) -> Iterator[Need]:
    """What the newest run found changed without a change record."""
    for run in compliance.runs(session, 1):
        moved = run.summary.get("moved") or {}
        if moved.get("drift"):
            yield Need(
                "warn",
                Text(
                    f"{moved['drift']} 处变化没有变更记录",
                    f"{moved['drift']} changes without a change record",
                ),
                Text(
                    "两次等保检查之间系统有变化，但没有任务说明其来由。",
                    "The box changed between two inspections, and no job says why.",
                ),
                f"/compliance/differences?before={moved['before']}&after={run.id}",
                Text("查看差异", "See them"),
                frozenset({Role.SYSTEM, Role.SECURITY}),
            )

"""What people give, in short words for the tests."""

from dataclasses import replace

from compliance.findings import findings
from compliance.given import Attachment, Foreign, Former, Given, Statement, Waiver
from compliance.model import Kind, Verdict

TODAY = "2026-11-22"

STATED = Statement(
    item="8.1.1.1.a",
    subject="person:site",
    verdict=Verdict.CONFORM,
    record="看过验收文件",
    answered_by="wang",
    answered_at="2026-11-01T08:00:00.000000+00:00",
    approved_by="li",
    approved_at="2026-11-02T08:00:00.000000+00:00",
    review_by="2027-11-01",
    attachments=(Attachment("验收.pdf", 1200, "ab" * 32),),
)
WAIVED = Waiver(
    item="8.1.4.1.a",
    subject="controller:box",
    reason="等待供应商",
    measure="只在内网登录",
    requested_by="wang",
    approved_by="li",
    expires="2026-12-31",
)
ROOM = Foreign(Kind.PERSON, "room-1", "机房", place="门诊楼", applies_to=("8.1.1.1.a", "8.1.1.2.a"))
FIREWALL = Foreign(Kind.BOUNDARY, "fw-1", "防火墙", maker="某厂")


def stated(**changes):
    return replace(STATED, **changes)


def given(*statements, **more):
    return Given(TODAY, tuple(statements), **more)


def everything_given(requirements, ran):
    """Statements with every effect, waivers in every state, foreign objects, options, a former run."""
    bare = findings(requirements, ran.subjects, ran.outcomes)
    bad = [
        one for one in bare if one.verdict in (Verdict.VIOLATED, Verdict.PARTIAL, Verdict.UNKNOWN)
    ]
    assert len(bad) >= 3
    first, second, third = ((one.item, one.subject.ref) for one in bad[:3])
    return Given(
        TODAY,
        (
            STATED,
            stated(item=first[0], subject=first[1]),
            stated(item=second[0], subject=second[1], verdict=bad[1].verdict)
            if bad[1].verdict is not Verdict.UNKNOWN
            else stated(item="8.1.1.3.a"),
            stated(item="8.1.1.2.a", approved_by="", approved_at=""),
            stated(item="8.1.1.4.a", review_by="2026-01-01"),
            stated(item="8.1.1.5.a", verdict=Verdict.NOT_APPLICABLE, record="机房由运营商提供"),
            stated(item="9.9.9"),
            stated(item="A-27"),
            stated(item="6.1.1.1/1"),
            stated(item="IH-1.2.a"),
            stated(subject="person:room-1"),
        ),
        (ROOM, FIREWALL),
        (
            replace(WAIVED, item=first[0], subject=first[1]),
            replace(WAIVED, item=second[0], subject=second[1], expires="2026-01-01"),
            replace(WAIVED, item=third[0], subject=third[1], approved_by="wang"),
            replace(WAIVED, item="9.9.9"),
        ),
        {
            "hbox-2025-1.objects": "mean",
            "hbox-risk-1.availability": "no",
            "2021-unverified.weight.8.1.1.1.a": "critical",
        },
        Former("ab" * 32, ("A-18", "6.6.1.1")),
    )

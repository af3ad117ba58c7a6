"""Whether a report's parts fit each other: every verdict, sum and risk is computed again from below.

Evidence carries its digest, checks their evidence, findings their checks and statements, items their
findings, layers their items; answers, waivers, risks, rule sets and score follow from these.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from appliance.errors import Refused, Text
from compliance import findings, judged, judging, statements
from compliance.catalogue.risks import table
from compliance.evidence import Answer, Evidence, Status
from compliance.model import VERDICT_TEXT, Verdict, worst
from compliance.report import FORMAT
from compliance.rulesets import DANGER, RULESETS
from compliance.statements import COUNTS

Part = Mapping[str, Any]


class BadReport(Refused):
    """The report is cut off, altered, or contradicts itself."""

    code = "report.altered"
    text = Text("报告无效：{why}", "The report is not valid: {why}")
    hint = Text(
        "请从医盒重新导出报告，不要使用这份文件。",
        "Export the report from the box again; do not use this file.",
    )


class OtherRules(Refused):
    """The report was judged by rules that this program does not have, so it cannot be computed again."""

    code = "report.other_rules"
    text = Text(
        "报告按规则 {theirs} 判定，本程序只能核对 {ours}",
        "The report was judged by {theirs}; this program can compute only {ours} again",
    )
    hint = Text(
        "请使用报告中写明的程序版本来验证。",
        "Verify it with the version of the program that the report names.",
    )


def check_content(report: Part) -> None:
    """Raise `BadReport` unless the parts fit each other, `OtherRules` where that cannot be told.

    The worker asks this of the inspector's file before it signs.
    """
    if report["format"] != FORMAT:
        raise BadReport(why=f"{report['format']!r}; this program reads {FORMAT}")
    for law in _LAWS:
        law(report)


def _evidence_holds(report: Part) -> None:
    for sha, raw in report["evidence"].items():
        answer = Answer(raw["answer"], Status(raw["status"]), raw["exit"])
        evidence = Evidence.of(raw["asked"], answer, at=raw["at"], where=raw["where"])
        if not sha == raw["sha256"] == evidence.sha256:
            raise BadReport(why=f"evidence {sha[:8]} was altered")


def _checks_have_evidence(report: Part) -> None:
    for check in report["checks"]:
        missing = [sha for sha in check["evidence"] if sha not in report["evidence"]]
        if missing or not check["evidence"]:
            raise BadReport(why=f"check {check['id']} has no evidence")


def _findings_follow(report: Part) -> None:
    """Each finding names all checks of its item on its object, and no verdict but what they allow."""
    ran: dict[tuple[str, str], dict[str, Verdict]] = {}
    for check in report["checks"]:
        for item in check["items"]:
            own = ran.setdefault((item, check["subject"]), {})
            own[check["id"]] = Verdict(check["verdict"])
    said = {(one["item"], one["subject"]): one for one in report["answers"]}
    for section in _sections(report):
        for finding in section["findings"]:
            place = (finding["item"], finding["subject"])
            _finding_follows(finding, ran.get(place, {}), said.get(place), report["today"])


def _finding_follows(
    finding: Part, ran: Mapping[str, Verdict], said: Part | None, today: str
) -> None:
    name = f"finding {finding['item']} of {finding['subject']}"
    if sorted(finding["checks"]) != sorted(ran):
        raise BadReport(why=f"{name} does not name its checks")
    complete = bool(finding["complete"])
    verdict = findings.machine(list(ran.values()), complete=complete)
    if finding["machine"] != verdict:
        raise BadReport(why=f"{name} does not follow from its checks")
    effect = ""
    if said is not None:
        asked = findings.applied(list(ran.values()))
        made = statements.decide(
            verdict, statements.read(said), today, asked=asked, complete=complete
        )
        verdict, effect = made.verdict, str(made.effect)
    if (finding["verdict"], finding["statement"]) != (verdict, effect):
        raise BadReport(why=f"{name} does not follow from its checks and statement")
    decided = verdict not in (Verdict.PENDING, Verdict.UNKNOWN)
    if decided and not ran and effect not in COUNTS:
        raise BadReport(why=f"{name} has neither check nor statement")


def _items_follow(report: Part) -> None:
    for section in _sections(report):
        held: dict[str, list[Verdict]] = {}
        for finding in section["findings"]:
            held.setdefault(finding["item"], []).append(Verdict(finding["verdict"]))
        for item in section["items"]:
            if item["verdict"] != worst(held.get(item["id"], [Verdict.PENDING])):
                raise BadReport(why=f"item {item['id']} does not follow from its findings")


def _layers_follow(report: Part) -> None:
    for section in _sections(report):
        for layer in section["layers"]:
            of = [Verdict(i["verdict"]) for i in section["items"] if i["layer"] == layer["id"]]
            if layer["verdict"] != worst(of) or layer["counts"] != _counts(of):
                raise BadReport(why=f"layer {layer['id']} does not follow from its items")


def _laws_follow(report: Part) -> None:
    for law in report["laws"]:
        if law["counts"] != _counts([Verdict(item["verdict"]) for item in law["items"]]):
            raise BadReport(why=f"the counts of {law['name']} do not follow from its items")


def _derived_follow(report: Part) -> None:
    """Compute answers, waivers, risks, rule sets and score again, by the same rules or not at all."""
    theirs = {(one["name"], one["version"]) for one in report["rulesets"]}
    ours = {(one.name, one.version) for one in RULESETS}
    rules = report["risk_rules"]
    held = (rules["name"], rules["version"], rules["sha256"])
    mine = (DANGER.name, DANGER.version, table().sha256)
    if theirs - ours or held != mine:
        raise OtherRules(theirs=_named({*theirs, held}), ours=_named({*ours, mine}))
    again = judging.derive(report)
    for name in judging.DERIVED:
        if report[name] != again[name]:
            raise BadReport(why=f"{name} does not follow from the findings")


def _named(rules: set[tuple[Any, ...]]) -> str:
    return ", ".join(sorted("/".join(str(part)[:12] for part in one) for one in rules))


def _counts_follow(report: Part) -> None:
    """The sums at the head of the report: by machine, by part of 等保, by object."""
    if report["summary"]["judged"] != judged.count(report):
        raise BadReport(why="what the machine judged does not follow from checks and findings")
    for part in ("general", "cloud"):
        of = {layer["id"] for layer in report["layers"] if layer["part"] == part}
        items = [Verdict(item["verdict"]) for item in report["items"] if item["layer"] in of]
        if report["summary"][part] != _counts(items):
            raise BadReport(why=f"the summary of {part} does not follow from the items")
    for one in (*report["subjects"], *report["foreign"]):
        own = [Verdict(f["verdict"]) for f in report["findings"] if f["subject"] == one["ref"]]
        if one["counts"] != _counts(own):
            raise BadReport(why=f"the counts of {one['ref']} do not follow from its findings")


def _sections(report: Part) -> Iterator[Part]:
    """Yield 等保 and each law beside it: both have findings, items and layers of the same form."""
    yield report
    yield from report["laws"]


def _counts(verdicts: list[Verdict]) -> dict[str, int]:
    return {str(one): verdicts.count(one) for one in VERDICT_TEXT}


_LAWS: tuple[Callable[[Part], None], ...] = (
    _evidence_holds,
    _checks_have_evidence,
    _findings_follow,
    _items_follow,
    _layers_follow,
    _laws_follow,
    _derived_follow,
    _counts_follow,
)

"""A compliance run as the page shows it: counts, layers, findings worst first with their evidence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Text, Unavailable
from compliance import judged, remedies
from controller.records.tables import ComplianceRun
from controller.web.words import STATES

WORST_FIRST = tuple(STATES["verdict"])
_BAD = ("violated", "partial")
PARTS = ("general", "cloud")


@dataclass(frozen=True)
class EvidenceView:
    """What was asked and what came back; `sha256` names it in the report."""

    sha256: str
    asked: str
    answer: str
    at: str
    where: str


@dataclass(frozen=True)
class FindingView:
    """One item on one object."""

    item: str
    words: Text
    subject: str
    verdict: str
    reason: Text
    high_risk: bool
    evidence: tuple[EvidenceView, ...]
    asked: bool
    remedies: tuple[str, ...] = ()
    advice: tuple[Text, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether it does not conform: then it may be mended, or waived for a time."""
        return self.verdict in _BAD

    @property
    def node(self) -> str:
        """The node that it is about, "" for what is the home node's."""
        kind, _, name = self.subject.partition(":")
        return name if kind in ("host", "hypervisor") else ""

    @property
    def choice(self) -> str:
        """Its verdict, but `rest` where the checks conform and a person examines what is left."""
        return "rest" if self.asked and self.verdict == "pending" else self.verdict


@dataclass(frozen=True)
class ObjectView:
    """One object that the machine asked: its checks by verdict, its findings by `choice`."""

    ref: str
    name: Text
    checks: Mapping[str, int]
    findings: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many checks ran on it."""
        return sum(self.checks.values())


@dataclass(frozen=True)
class LayerView:
    """One layer of the standard: its verdict and how many items have which."""

    id: str
    name: Text
    verdict: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many items the layer has."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class ReportView:
    """A whole report."""

    conclusion: Text
    sum: str
    ruleset: str
    gaps: tuple[Text, ...]
    statements: tuple[Text, ...]
    objects: tuple[ObjectView, ...]
    layers: tuple[LayerView, ...]
    findings: tuple[FindingView, ...]


class ReportGone(Unavailable):
    """The report's file cannot be read."""

    code = "compliance.report_gone"
    text = Text("报告文件无法读取：{path}", "The report's file cannot be read: {path}")
    hint = Text(
        "请重新执行一次检查；若再次出现，请检查 reports 目录的权限。",
        "Run the inspection again; if it happens again, look at the rights of the reports folder.",
    )


def latest(session: Session) -> ComplianceRun | None:
    """Return the newest run, None before the first."""
    return session.scalar(select(ComplianceRun).order_by(ComplianceRun.at.desc()).limit(1))


def counts(run: ComplianceRun) -> dict[str, int]:
    """Return how many items have which verdict, over all parts, worst first."""
    parts = [run.summary.get(part, {}) for part in PARTS]
    return {verdict: sum(int(part.get(verdict, 0)) for part in parts) for verdict in WORST_FIRST}


def read(run: ComplianceRun) -> ReportView:
    """Return the run's report from its file; raises `ReportGone`."""
    try:
        envelope = json.loads(Path(run.json_path).read_bytes())
        return _report(envelope["report"])
    except (OSError, ValueError, KeyError) as error:
        raise ReportGone(path=run.json_path) from error


def _report(raw: dict[str, Any]) -> ReportView:
    score = raw["score"]
    items = {item["id"]: item for item in raw["items"]}
    asked = {(check["id"], check["subject"]): check["evidence"] for check in raw["checks"]}
    bad = {(c["id"], c["subject"]) for c in raw["checks"] if c["verdict"] in _BAD}
    proofs = {sha: _evidence(sha, one) for sha, one in raw["evidence"].items()}
    found = []
    for one in raw["findings"]:
        names = [sha for check in one["checks"] for sha in asked.get((check, one["subject"]), ())]
        evidence = tuple(proofs[sha] for sha in dict.fromkeys(names) if sha in proofs)
        wrong = [check for check in one["checks"] if (check, one["subject"]) in bad]
        mends = [remedies.for_check(check) for check in wrong]
        held = tuple(remedy.id for remedy in mends if remedy is not None)
        told = tuple(remedies.ADVICE[check] for check in wrong if check in remedies.ADVICE)
        view = _finding(one, items[one["item"]], evidence)
        found.append(replace(view, remedies=held, advice=told))
    return ReportView(
        conclusion=_text(score["conclusion"]),
        sum=str(score["sum"]),
        ruleset=str(score["ruleset"]),
        gaps=tuple(_text(gap) for gap in score["gaps"]),
        statements=tuple(_text(one) for one in raw["statements"]),
        objects=tuple(_object(one) for one in judged.count(raw)["objects"]),
        layers=tuple(_layer(layer) for layer in raw["layers"]),
        findings=tuple(sorted(found, key=_badness)),
    )


def _badness(finding: FindingView) -> tuple[int, bool]:
    return WORST_FIRST.index(finding.verdict), not finding.high_risk


def _finding(
    one: dict[str, Any], item: dict[str, Any], evidence: tuple[EvidenceView, ...]
) -> FindingView:
    return FindingView(
        item=one["item"],
        words=_text(item["text"]),
        subject=one["subject"],
        verdict=one["verdict"],
        reason=_text(one["reason"]),
        high_risk=bool(item.get("high_risk")),
        evidence=evidence,
        asked=bool(one["checks"]),
    )


def _object(raw: dict[str, Any]) -> ObjectView:
    found = {
        "rest" if verdict == "pending" else verdict: n for verdict, n in raw["findings"].items()
    }
    return ObjectView(raw["ref"], _text(raw["title"]), raw["checks"], found)


def _layer(raw: dict[str, Any]) -> LayerView:
    return LayerView(raw["id"], _text(raw["text"]), raw["verdict"], raw["counts"])


def _evidence(sha: str, raw: dict[str, Any]) -> EvidenceView:
    return EvidenceView(
        sha, str(raw["asked"]), str(raw["answer"]), str(raw["at"]), str(raw["where"])
    )


def _text(raw: dict[str, str]) -> Text:
    return Text(raw["zh"], raw["en"])

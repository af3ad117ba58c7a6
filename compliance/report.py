"""The report: findings as JSON that carries its evidence, and the signature over it and its page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from appliance.canonical import canonical, digest
from appliance.clock import iso
from appliance.errors import Text
from appliance.signing import SigningKey
from compliance import judged, page, rollup, scoring
from compliance.catalogue import Item
from compliance.model import KIND_TEXT, VERDICT_TEXT, Finding, Outcome, Subject, Verdict
from compliance.rollup import LayerResult
from compliance.run import Run

FORMAT = "hbox-compliance-report/1"
ENVELOPE = "hbox-signed-report/1"

STATEMENTS = (
    Text("本报告为自查报告，不是等级测评报告，不构成任何官方结论。", "A self-inspection; not an assessment report, nothing in it is official."),
    Text("条款文字为本产品的转述，引用标准请以 GB/T 22239-2019 原文为准。", "Clauses are paraphrased; quote GB/T 22239-2019 itself."),
    Text("跨区交换由软件网关实现，隔离级别 L1：同一内核上的网络命名空间；它不是经认证的网闸。", "The exchange gateway is software at level L1: namespaces on one kernel; not a certified gap."),
    Text("每个条款按其最差的对象计，每层按其最差的条款计；未知与待人工均不算符合。", "An item counts as its worst object, a layer as its worst item; undecided never counts as met."),
)  # fmt: skip

Report = dict[str, Any]


def build(run: Run) -> Report:
    """Return the report of `run` in the form of `schema/report.schema.json`."""
    verdicts = rollup.items(run.catalogue, run.findings)
    layers = rollup.layers(run.catalogue, verdicts)
    made = {
        "format": FORMAT,
        "tool": {"name": "hbox", "version": version("hbox")},
        "site": run.site,
        "node": run.node,
        "container": run.container,
        "started": run.started,
        "seconds": run.seconds,
        "catalogue": {"standard": run.catalogue.standard, "sha256": run.catalogue.sha256},
        "statements": [one.as_dict() for one in STATEMENTS],
        "legend": {str(verdict): text.as_dict() for verdict, text in VERDICT_TEXT.items()},
        "subjects": [_subject(one, run.findings) for one in run.subjects],
        "score": _score(verdicts),
        "layers": [_layer(one) for one in layers],
        "items": [_item(item, layer, verdicts) for layer in layers for item in layer.layer.items],
        "findings": [_finding(one) for one in run.findings],
        "checks": [_check(one) for one in run.outcomes],
        "evidence": {p.sha256: p.as_dict() for one in run.outcomes for p in one.evidence},
    }
    return {**made, "summary": {**_summary(layers), "judged": judged.count(made)}}


def sign(report: Report, key: SigningKey) -> Report:
    """Return the envelope: report, its digest, the digest of its page, and a signature over both."""
    held = digest(canonical(report))
    envelope = {
        "format": ENVELOPE,
        "report": report,
        "digest": held,
        "html_sha256": digest(html(report).encode()),
        "signed_at": iso(),
        "key": key.public.fingerprint,
        "public_key": key.public.pem.decode(),
    }
    return {**envelope, "signature": key.sign(statement(envelope)).hex()}


def statement(envelope: Report) -> bytes:
    """Return the bytes that are signed: everything of the envelope but report and signature."""
    return canonical({k: v for k, v in envelope.items() if k not in ("report", "signature")})


def html(report: Report) -> str:
    """Return the page for people; it carries the report's digest and nothing from outside."""
    return page.render(report, digest(canonical(report)))


def _subject(subject: Subject, found: Sequence[Finding]) -> Report:
    own = Counter(one.verdict for one in found if one.subject == subject)
    return {
        "ref": subject.ref,
        "kind": str(subject.kind),
        "name": subject.name,
        "title": KIND_TEXT[subject.kind].as_dict(),
        "counts": _counts(own),
    }


def _summary(layers: list[LayerResult]) -> Report:
    parts = {}
    for part in ("general", "cloud"):
        counts: Counter[Verdict] = Counter()
        for layer in layers:
            if layer.layer.part == part:
                counts.update(layer.counts)
        parts[part] = _counts(counts)
    return parts


def _counts(counts: Mapping[Verdict, int]) -> dict[str, int]:
    return {str(verdict): counts.get(verdict, 0) for verdict in VERDICT_TEXT}


def _score(verdicts: dict[str, Verdict]) -> Report:
    result = scoring.score(list(verdicts.values()))
    return {
        "ruleset": scoring.RULESET,
        **asdict(result),
        "low": round(result.low, 1),
        "high": round(result.high, 1),
        "sum": result.sum,
        "gaps": [gap.as_dict() for gap in scoring.GAPS],
    }


def _layer(result: LayerResult) -> Report:
    return {
        "id": result.layer.id,
        "part": result.layer.part,
        "text": result.layer.text.as_dict(),
        "verdict": str(result.verdict),
        "counts": _counts(result.counts),
        "points": [
            {"id": p.id, "text": p.text.as_dict(), "verdict": str(result.points[p.id])}
            for p in result.layer.points
        ],
    }


def _item(item: Item, layer: LayerResult, verdicts: dict[str, Verdict]) -> Report:
    return {
        "id": item.id,
        "layer": layer.layer.id,
        "text": item.text.as_dict(),
        "verdict": str(verdicts[item.id]),
        "machine": item.machine,
        "unit": item.unit,
        "high_risk": item.high_risk,
        "major_risk": item.major_risk,
    }


def _finding(finding: Finding) -> Report:
    return {
        "item": finding.item,
        "subject": finding.subject.ref,
        "verdict": str(finding.verdict),
        "reason": finding.reason.as_dict(),
        "checks": [one.check.id for one in finding.outcomes],
    }


def _check(outcome: Outcome) -> Report:
    return {
        "id": outcome.check.id,
        "title": outcome.check.title.as_dict(),
        "subject": outcome.subject.ref,
        "items": list(outcome.check.items),
        "kernel_bound": outcome.check.kernel_bound,
        "verdict": str(outcome.verdict),
        "reason": outcome.judgement.reason.as_dict(),
        "evidence": [proof.sha256 for proof in outcome.evidence],
        "seconds": outcome.seconds,
    }

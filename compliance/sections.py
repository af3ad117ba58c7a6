"""The parts of a report in JSON's terms: objects, layers, items, findings, checks, law beside 等保."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from compliance import rollup
from compliance.catalogue import Catalogue, Item
from compliance.given import Foreign
from compliance.model import KIND_TEXT, VERDICT_TEXT, Finding, Outcome, Subject, Verdict
from compliance.rollup import LayerResult

Section = dict[str, Any]


def findings(catalogue: Catalogue, found: Sequence[Finding]) -> Section:
    """Return `layers`, `items` and `findings` of one catalogue: the form that 等保 and each law share."""
    verdicts = rollup.items(catalogue, found)
    layers = rollup.layers(catalogue, verdicts)
    return {
        "layers": [_layer(one) for one in layers],
        "items": [_item(item, layer, verdicts) for layer in layers for item in layer.layer.items],
        "findings": [_finding(one) for one in found],
    }


def law(catalogue: Catalogue, found: Sequence[Finding]) -> Section:
    """Return a law's own section with counts of its own; no rule set ever sees it."""
    parts = findings(catalogue, found)
    for item, own in zip(parts["items"], catalogue.items, strict=True):
        item |= {"source": own.source, "status": own.status}
    return {
        "name": catalogue.name,
        "standard": catalogue.standard,
        "title": catalogue.title.as_dict(),
        "sha256": catalogue.sha256,
        "counts": counts(Counter(Verdict(item["verdict"]) for item in parts["items"])),
        **parts,
    }


def subject(one: Subject, found: Sequence[Finding]) -> Section:
    """Return an assessed object with its findings by verdict."""
    own = Counter(finding.verdict for finding in found if finding.subject == one)
    return {
        "ref": one.ref,
        "kind": str(one.kind),
        "name": one.name,
        "title": KIND_TEXT[one.kind].as_dict(),
        "counts": counts(own),
    }


def foreign(one: Foreign, found: Sequence[Finding]) -> Section:
    """Return an object that people added, with what they say it is."""
    return {
        **subject(one.subject, found),
        "what": one.what,
        "maker": one.maker,
        "place": one.place,
        "applies_to": list(one.applies_to),
    }


def check(outcome: Outcome) -> Section:
    """Return one check on one object, with the digests of its evidence."""
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


def counts(held: Mapping[Verdict, int]) -> dict[str, int]:
    """Return a count for every verdict, 0 where there is none."""
    return {str(verdict): held.get(verdict, 0) for verdict in VERDICT_TEXT}


def _layer(result: LayerResult) -> Section:
    return {
        "id": result.layer.id,
        "part": result.layer.part,
        "text": result.layer.text.as_dict(),
        "verdict": str(result.verdict),
        "counts": counts(result.counts),
        "points": [
            {"id": p.id, "text": p.text.as_dict(), "verdict": str(result.points[p.id])}
            for p in result.layer.points
        ],
    }


def _item(item: Item, layer: LayerResult, verdicts: Mapping[str, Verdict]) -> Section:
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


def _finding(finding: Finding) -> Section:
    return {
        "item": finding.item,
        "subject": finding.subject.ref,
        "verdict": str(finding.verdict),
        "reason": finding.reason.as_dict(),
        "checks": [one.check.id for one in finding.outcomes],
        "machine": str(finding.machine),
        "complete": finding.complete,
        "statement": finding.effect,
    }

"""Items, control points and layers, computed from the findings: each as good as its worst part."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compliance.catalogue import Catalogue, Layer
from compliance.model import Finding, Verdict, worst


@dataclass(frozen=True)
class LayerResult:
    """A layer's verdict, how many items have which verdict, and the verdict of each control point."""

    layer: Layer
    verdict: Verdict
    counts: Mapping[Verdict, int]
    points: Mapping[str, Verdict]


def items(catalogue: Catalogue, findings: Sequence[Finding]) -> dict[str, Verdict]:
    """Return each item's verdict: the worst of its objects; no finding at all waits for a person."""
    held: dict[str, list[Verdict]] = {item.id: [] for item in catalogue.items}
    for finding in findings:
        held[finding.item].append(finding.verdict)
    return {
        item: worst(verdicts) if verdicts else Verdict.PENDING for item, verdicts in held.items()
    }


def layers(catalogue: Catalogue, verdicts: Mapping[str, Verdict]) -> list[LayerResult]:
    """Return each layer's result from the items' verdicts."""
    results = []
    for layer in catalogue.layers:
        of_items = [verdicts[item.id] for item in layer.items]
        points = {
            point.id: worst([verdicts[item.id] for item in point.items]) for point in layer.points
        }
        results.append(LayerResult(layer, worst(of_items), Counter(of_items), points))
    return results

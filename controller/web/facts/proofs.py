"""A proof of the gateway as the page shows it: every way tried, from where, and what came of it."""

from dataclasses import dataclass

from appliance.errors import Text
from controller.records.exchange import Proof
from controller.web.probe_words import PROBES
from controller.web.words import LEVEL_L1


@dataclass(frozen=True)
class ProbeView:
    """One way across that was tried; `verdict` is refused, OPEN or unknown."""

    words: Text
    name: str
    source: str
    target: str
    verdict: str
    evidence: str


@dataclass(frozen=True)
class ProofView:
    """One proof; unknown is counted apart, it is never called refused."""

    row: Proof
    means: Text
    probes: tuple[ProbeView, ...]

    def count(self, verdict: str) -> int:
        """Return how many probes ended so."""
        return sum(probe.verdict == verdict for probe in self.probes)

    @property
    def tone(self) -> str:
        """What the proof as a whole says: ok only if every way was refused."""
        if self.row.open_ways or self.count("OPEN"):
            return "bad"
        return "ok" if self.probes and not self.count("unknown") else "warn"


def view(row: Proof) -> ProofView:
    """Return the proof with its probes, open ones first; `document` is `network.gateway.prove`'s."""
    probes = [_probe(raw) for raw in row.document.get("findings", ())]
    order = {"OPEN": 0, "unknown": 1}
    means = row.document.get("level_means", {})
    return ProofView(
        row,
        Text(str(means.get("zh", LEVEL_L1.zh)), str(means.get("en", LEVEL_L1.en))),
        tuple(sorted(probes, key=lambda probe: order.get(probe.verdict, 2))),
    )


def _probe(raw: dict[str, object]) -> ProbeView:
    name = str(raw.get("probe", ""))
    return ProbeView(
        words=PROBES.get(name, Text(name, name)),
        name=name,
        source=str(raw.get("source", "")),
        target=str(raw.get("target", "")),
        verdict=str(raw.get("verdict", "unknown")),
        evidence=str(raw.get("evidence", "")),
    )

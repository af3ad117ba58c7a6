"""One run of the inspector, from questions to findings, before it becomes a report."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from appliance.clock import iso, monotonic
from appliance.host import Host
from compliance import engine, findings
from compliance.asking import Asker
from compliance.catalogue import Catalogue
from compliance.checks import CHECKS
from compliance.checks.asked import CONTAINER
from compliance.evidence import Evidence
from compliance.given import NOTHING, Given
from compliance.model import Finding, Kind, Outcome, Subject

INSPECTED = (Kind.HOST, Kind.HYPERVISOR, Kind.BOUNDARY, Kind.CONTROLLER, Kind.APP, Kind.DB)


@dataclass(frozen=True)
class Run:
    """What one run found. `seconds` is the measured wall time."""

    site: str
    node: str
    started: str
    seconds: float
    container: bool
    catalogue: Catalogue
    subjects: tuple[Subject, ...]
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]
    given: Given = NOTHING


@dataclass(frozen=True)
class Order:
    """What to inspect: the hospital's name, the node's, and which kinds of object."""

    site: str
    node: str
    kinds: tuple[Kind, ...] = INSPECTED

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The objects: host and hypervisor by node, all others of the box."""
        return tuple(Subject(kind, self.name(kind)) for kind in self.kinds)

    def name(self, kind: Kind) -> str:
        """The name of the object of that kind."""
        named = {Kind.BOUNDARY: "gateway", Kind.APP: "modules"}
        return "box" if kind in (Kind.CONTROLLER, Kind.DB) else named.get(kind, self.node)


def run(
    host: Host,
    catalogue: Catalogue,
    order: Order,
    *,
    handed: Mapping[str, Evidence] | None = None,
    given: Given = NOTHING,
    told: Callable[[int, int, Outcome], None] = lambda *_: None,
) -> Run:
    """Inspect `host`; `told` hears (done, of, outcome) after each check."""
    started, began = iso(), monotonic()
    asks = Asker(host, order.node, handed)
    wanted = _count(order.subjects)
    done: list[Outcome] = []
    one_at_a_time = threading.Lock()

    def count(outcome: Outcome) -> None:
        with one_at_a_time:
            done.append(outcome)
            told(len(done), wanted, outcome)

    outcomes = engine.inspect(asks, CHECKS, order.subjects, count)
    found = findings.findings(catalogue, order.subjects, outcomes, given)
    return Run(
        site=order.site,
        node=order.node,
        started=started,
        seconds=round(monotonic() - began, 2),
        container=engine.in_container(asks(CONTAINER)),
        catalogue=catalogue,
        subjects=order.subjects,
        outcomes=tuple(outcomes),
        findings=tuple(found),
        given=given,
    )


def _count(subjects: Sequence[Subject]) -> int:
    return sum(check.kind is subject.kind for check in CHECKS for subject in subjects)

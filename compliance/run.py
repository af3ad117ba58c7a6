"""One run of the inspector, from questions to findings, before it becomes a report."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from appliance.clock import iso, monotonic
from appliance.host import Host
from compliance import engine, findings
from compliance.answer import KINDS
from compliance.asking import Asker, Asks
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
    """What to inspect: the hospital's name, this node's, which kinds of object, the other nodes' names."""

    site: str
    node: str
    kinds: tuple[Kind, ...] = INSPECTED
    others: tuple[str, ...] = ()

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The objects: host and hypervisor by node, all others of the box; other nodes last."""
        here = [Subject(kind, self.name(kind)) for kind in self.kinds]
        there = [Subject(k, name) for name in self.others for k in self.kinds if k in KINDS]
        return (*here, *there)

    def name(self, kind: Kind) -> str:
        """The name of the object of that kind."""
        named = {Kind.BOUNDARY: "gateway", Kind.APP: "modules"}
        return "box" if kind in (Kind.CONTROLLER, Kind.DB) else named.get(kind, self.node)


@dataclass(frozen=True)
class Means:
    """How answers come in: those that the privileged prologue brought, and how other nodes are asked.

    `others` is given how this machine is asked and returns by name how each other node is (`far.gather`).
    """

    handed: Mapping[str, Evidence] | None = None
    others: Callable[[Asks], Mapping[str, Asks]] = lambda _: {}


def run(
    host: Host,
    catalogue: Catalogue,
    order: Order,
    *,
    means: Means = Means(),
    given: Given = NOTHING,
    told: Callable[[int, int, Outcome], None] = lambda *_: None,
) -> Run:
    """Inspect `host` and the order's other nodes; `told` hears (done, of, outcome) after each check."""
    started, began = iso(), monotonic()
    asks = Asker(host, order.node, means.handed)
    far = means.others(asks)
    wanted = _count(order.subjects)
    done: list[Outcome] = []
    one_at_a_time = threading.Lock()

    def count(outcome: Outcome) -> None:
        with one_at_a_time:
            done.append(outcome)
            told(len(done), wanted, outcome)

    def of(subject: Subject) -> Asks:
        return far.get(subject.name, asks) if subject.kind in KINDS else asks

    outcomes = engine.inspect(of, CHECKS, order.subjects, count)
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

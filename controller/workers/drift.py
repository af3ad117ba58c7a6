"""What the engine holds otherwise than wished: a pure comparison of a machine's specification with what is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.drivers.base import Seen, VmSpec
from controller.drivers.domain_xml import source_name

Differences = dict[str, list[Any]]
"""{what: [wished, actual]}, as `Vm.drift` and `Vm.pending` hold it."""

_SIZES = ("vcpus", "memory_mib")


@dataclass(frozen=True)
class Found:
    """`drift`: what somebody changed. `pending`: what the running guest gets at its next start."""

    drift: Differences
    pending: Differences


@dataclass(frozen=True)
class Shape:
    """A machine reduced to what is compared."""

    name: str
    vcpus: int
    memory_mib: int
    disks: tuple[str, ...]
    links: tuple[str, ...]
    sources: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()


def shape_of(spec: VmSpec) -> Shape:
    """Return what is compared of a specification."""
    serials = tuple(disk.serial for disk in spec.disks)
    macs = tuple(link.mac for link in spec.links)
    sources = tuple(source_name(disk.source) for disk in spec.disks)
    bridges = tuple(link.bridge for link in spec.links)
    return Shape(spec.name, spec.vcpus, spec.memory_mib, serials, macs, sources, bridges)


def compare(wished: Shape, seen: Seen, passing: frozenset[str] = frozenset()) -> Found:
    """Return how `seen` differs; disks with a serial in `passing` are plugged in for a while by a job.

    A size that the definition has and the running guest has not yet is pending, not drift.
    """
    drift = _differences(wished, seen, passing)
    pending: Differences = {}
    live = seen.live
    if live is not None:
        for what, pair in _differences(wished, live, passing).items():
            if what in _SIZES and what not in drift:
                pending[what] = pair
            else:
                drift.setdefault(what, pair)
    return Found(drift, pending)


def of_power(wished: str, actual: str) -> Differences:
    """Return the difference between the wished power and the actual one; an absent machine is gone."""
    if actual == "absent":
        return {"definition": ["present", "absent"]}
    return {} if actual in (wished, "unknown") else {"power": [wished, actual]}


def of_place(node: str, powers: Mapping[str, str]) -> Differences:
    """Return whether the machine is elsewhere, or twice; `powers`: node to what its engine says of it."""
    on = active(powers)
    if len(on) > 1:
        return {"twice": [node, on]}
    place = seat(node, powers)
    return {} if place == node else {"node": [node, place]}


def active(powers: Mapping[str, str]) -> list[str]:
    """Return the nodes on which the machine runs, or is paused."""
    return sorted(one for one, power in powers.items() if power in ("running", "paused"))


def seat(node: str, powers: Mapping[str, str]) -> str:
    """Return where a machine recorded on `node` is: where it runs, else where it is defined, else there."""
    for places in (active(powers), sorted(powers)):
        if places:
            return node if node in places else places[0]
    return node


def _differences(wished: Shape, seen: Seen, passing: frozenset[str]) -> Differences:
    found: Differences = {}
    for what in ("name", *_SIZES):
        if getattr(wished, what) != getattr(seen, what):
            found[what] = [getattr(wished, what), getattr(seen, what)]
    disks = _named(seen.disks, seen.sources, passing)
    links = _named(seen.links, seen.bridges, frozenset())
    # An engine that does not say where a disk lies or a link leads is held to serials and MACs alone.
    ours = _named(wished.disks, wished.sources if seen.sources else (), frozenset())
    ways = _named(wished.links, wished.bridges if seen.bridges else (), frozenset())
    for what, mine, theirs in (("disks", ours, disks), ("links", ways, links), ("extra", [], list(seen.extra))):  # fmt: skip
        if sorted(mine) != sorted(theirs):
            found[what] = [mine, theirs]
    return found


def _named(keys: Sequence[str], places: Sequence[str], without: frozenset[str]) -> list[str]:
    """Return `KEY PLACE` for each, or the keys alone where no places are known."""
    whole = [" ".join(pair) for pair in zip(keys, places, strict=True)] if places else list(keys)
    return [text for key, text in zip(keys, whole, strict=True) if key not in without]

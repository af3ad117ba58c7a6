"""Carries one violation out on a node: broken, found, mended, undone, and all of it timed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from appliance import clock
from appliance.host import Host
from tests.violations import box
from tests.violations.judging import checks_moved, seen, unlike
from tests.violations.violation import Violation

Report = dict[str, Any]
# Mends by a remedy's tag; returns how that is taken back, None where it cannot be.
Mend = Callable[[Host, str], Callable[[], None] | None]


@dataclass
class Trial:
    """What came of one violation. No fault: found, alone, mended where it can be, undone exactly."""

    violation: Violation
    faults: list[str] = field(default_factory=list)
    moved: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, what: str, act: Callable[[], Any]) -> Any:
        """Do something and note how long it took."""
        began = clock.monotonic()
        made = act()
        self.seconds[what] = round(clock.monotonic() - began, 1)
        return made


def attempt(node: Host, violation: Violation, before: Report, mend: Mend | None = None) -> Trial:
    """Break, look, mend (with `mend`, where there is a remedy), undo; leaves the node as it was."""
    trial = Trial(violation)
    whole = box.tell(node, violation)
    box.keep(node, violation)
    try:
        trial.timed("break", lambda: box.shell(node, violation.breach))
        clock.pause(violation.settle)
        _look(node, trial, before)
        if mend is not None and violation.remedy:
            _mended(node, trial, before, mend)
    finally:
        box.restore(node, violation)
        clock.pause(violation.settle)
    trial.faults += [f"not undone: {one}" for one in differing(whole, box.tell(node, violation))]
    return trial


def differing(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the places that do not hold what they held."""
    places = sorted({*before, *after})
    return [one for one in places if before.get(one) != after.get(one)]


def _look(node: Host, trial: Trial, before: Report) -> None:
    during = trial.timed("find", lambda: box.inspect(node))
    sight = seen(trial.violation, before, during)
    trial.faults += sight.faults
    trial.moved = sight.moved


def _mended(node: Host, trial: Trial, before: Report, mend: Mend) -> None:
    violation = trial.violation
    broken = box.tell(node, violation)
    undo = trial.timed("mend", lambda: mend(node, violation.remedy))
    after = trial.timed("look again", lambda: box.inspect(node))
    left = checks_moved(before, after) - unlike(violation, after)
    trial.faults += [f"{name} is not as before the breach, though mended" for name in sorted(left)]
    if undo is None:
        return
    trial.timed("undo", undo)
    again = differing(broken, box.tell(node, violation))
    trial.faults += [f"undoing the mending left another {one}" for one in again]
    sight = seen(violation, before, trial.timed("look last", lambda: box.inspect(node)))
    trial.faults += [f"undone, but: {one}" for one in sight.faults]

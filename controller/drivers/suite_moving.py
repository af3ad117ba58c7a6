"""Conformance: a running VM moves to another node and back."""

from collections.abc import Callable
from dataclasses import replace

from controller.drivers.base import (
    Ability,
    EngineFailed,
    HypervisorDriver,
    Moved,
    NoSuchVm,
    NotRunning,
    Power,
    Target,
)
from controller.drivers.suite_bench import Bench, Promise


def a_running_vm_moves(bench: Bench) -> None:
    """It runs there, encrypted on its way, and is absent here; and the same back again."""
    if bench.elsewhere is None:
        return
    here, away = bench.driver, bench.elsewhere.driver
    there, back = bench.elsewhere.there, bench.elsewhere.back
    bench.refuses(
        NoSuchVm, lambda: here.migrate(bench.vm, there, _deaf), "an unknown VM cannot be moved"
    )
    bench.define()
    bench.refuses(NotRunning, lambda: here.migrate(bench.vm, there, _deaf), "off: it stays")
    here.cancel_migration(bench.vm)
    here.start(bench.vm)
    bench.ready(here, bench.vm)
    asked = here.seen(bench.vm)
    for source, goal, target in ((here, away, there), (away, here, back)):
        parts: list[float] = []
        moved = source.migrate(bench.vm, target, parts.append)
        rising = parts == sorted(parts) and all(0 <= part <= 1 for part in parts)
        bench.expect(bool(parts) and rising, f"progress must rise from 0 to 1: {parts}")
        bench.expect(moved.encrypted, "it must travel encrypted")
        bench.expect(moved.total_ms >= moved.downtime_ms >= 0, f"figures: {moved}")
        bench.expect(source.state(bench.vm) is Power.ABSENT, "it must have left")
        bench.expect(goal.state(bench.vm) is Power.RUNNING, "it must run there")
        bench.expect(goal.seen(bench.vm) == asked, "it must be there as it was here")
        bench.refuses(
            NoSuchVm, _again(bench, source, target), "what has left cannot be moved again"
        )


def a_lost_move_leaves_it_here(bench: Bench) -> None:
    """A VM that cannot get there runs on here."""
    if bench.elsewhere is None:
        return
    here = bench.driver
    nowhere = replace(bench.elsewhere.there, uri="nowhere://", address="127.0.0.1")
    bench.define()
    here.start(bench.vm)
    bench.refuses(
        EngineFailed, lambda: here.migrate(bench.vm, nowhere, _deaf), "there is no such node"
    )
    bench.expect(here.state(bench.vm) is Power.RUNNING, "it must run on here")
    here.cancel_migration(bench.vm)
    bench.expect(here.state(bench.vm) is Power.RUNNING, "canceling nothing must change nothing")


def _again(bench: Bench, source: HypervisorDriver, target: Target) -> Callable[[], Moved]:
    return lambda: source.migrate(bench.vm, target, _deaf)


def _deaf(_part: float) -> None:
    pass


_NEEDS = frozenset({Ability.MIGRATE, Ability.INSPECT})
MOVING = (Promise(a_running_vm_moves, _NEEDS), Promise(a_lost_move_leaves_it_here, _NEEDS))

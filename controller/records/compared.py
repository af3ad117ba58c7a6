"""Two runs held against each other, with the jobs between them as change records."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Text, Unavailable
from compliance.differences import Change, Differences, compare
from compliance.remedies.reach import reach
from controller.records import compliance
from controller.records.tables import ComplianceRun, Job, Node, Vm

NODE, EVERY_NODE, VM_NODE = "<node>", "<every>", "<its node>"


@dataclass(frozen=True)
class Touches:
    """What a kind of job may change: objects as the inspector names them, and which questions of them."""

    objects: tuple[str, ...]
    about: tuple[str, ...] = ()


_RULES = ("nft -j list ruleset", "policy.signed")
_PEOPLE = ("FROM accounts",)
# What of them a mending may have moved follows from its remedies.
_MENDING = (Touches((NODE, "boundary:gateway", "controller:box", "db:box")),)
# The longest beginning of a job's kind decides; a kind that is not here changes nothing that is inspected.
TOUCHES: dict[str, tuple[Touches, ...]] = {
    "account.": (Touches(("controller:box", "db:box")), Touches((EVERY_NODE,), _PEOPLE)),
    "tenant.": (Touches(("controller:box",)),),
    "grant.": (Touches(("controller:box",)),),
    "gateway.channel.": (Touches(("boundary:gateway",)), Touches((EVERY_NODE,), _RULES)),
    "gateway.change.": (Touches(("boundary:gateway",)), Touches((EVERY_NODE,), _RULES)),
    "gateway.peer.": (Touches(("boundary:gateway",)),),
    "gateway.signatures.": (Touches(("boundary:gateway",)),),
    "module.": (
        Touches(("app:modules", "boundary:gateway", "controller:box")),
        Touches((EVERY_NODE,), _RULES),
    ),
    "node.": (Touches((NODE,)),),
    "storage.": (Touches((EVERY_NODE,)),),
    "template.": (Touches(("controller:box",)),),
    "vm.": (Touches((f"hypervisor:{VM_NODE}",)), Touches((EVERY_NODE,), _RULES)),
    "volume.": (Touches((f"hypervisor:{EVERY_NODE}",)),),
    "compliance.": (),
    "compliance.mend": _MENDING,
    "compliance.mend.plan": (),
    "compliance.undo": _MENDING,
    "node.inspect": (),
    "vm.console": (),
    "gateway.change.try": (),
}
_RAN = ("running", "undoing", "succeeded", "failed", "cancelled")
_MENDS = frozenset({"compliance.mend", "compliance.undo"})


class ReportAway(Unavailable):
    """A run's report cannot be read."""

    code = "compliance.report_away"
    text = Text("报告文件无法读取：{run}", "The report of the run {run} cannot be read")
    hint = Text("请另选一次检查。", "Choose another run.")


def read(run: ComplianceRun) -> dict[str, Any]:
    """Return the report of a run without its envelope; raises `ReportAway`."""
    try:
        held: dict[str, Any] = json.loads(Path(run.json_path).read_bytes())["report"]
    except (OSError, ValueError, KeyError) as error:
        raise ReportAway(what="", run=run.id, why="") from error
    return held


def newest(session: Session) -> dict[str, Any] | None:
    """Return the newest run's report; None without one, or where it did not come along with restored records."""
    runs = compliance.runs(session, 1)
    try:
        return read(runs[0]) if runs else None
    except ReportAway:
        return None


def differences(session: Session, before: str, after: str) -> Differences:
    """Return what moved between two runs (as `compliance.run` names them), the earlier one first; raises `NotFound`."""
    return compare(*pair(session, before, after), changes(session))


def pair(session: Session, before: str, after: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the reports of two runs, the earlier one first; raises `NotFound`, `ReportAway`."""
    one, other = compliance.run(session, before), compliance.run(session, after)
    first, second = (one, other) if one.at <= other.at else (other, one)
    return read(first), read(second)


def changes(session: Session) -> list[Change]:
    """Return the jobs that began, as change records; one that was undone may have left something too.

    A mending, or its undoing, that failed is none: it ends only when all is as it had been. One that was made
    explains what its remedies can move, and nothing that was done beside it.
    """
    nodes = list(session.scalars(select(Node.name)))
    places = {row.id: row.node for row in session.execute(select(Vm.id, Vm.node))}
    query = select(Job).where(Job.started_at.is_not(None), Job.state.in_(_RAN))
    return [
        Change(f"{job.number}", name, at, touch.about)
        for job in session.scalars(query.order_by(Job.number))
        for touch in (_mended(session, job) if job.kind in _MENDS else touched(job.kind))
        for name in _named(job, touch, nodes, places)
        for at in (job.started_at, job.finished_at)
        if at  # what began or ended between two runs may have changed something between them
    ]


def _mended(session: Session, job: Job) -> Iterator[Touches]:
    """Yield what a mending or its undoing may have moved; one that failed put all back byte for byte."""
    made = session.get(Job, job.action["mended"]) if "mended" in job.action else job
    if made is None or job.state in ("failed", "cancelled"):
        return
    about = reach(str(made.action.get("remedies", "")).split(","))
    for touch in touched(job.kind) if about else ():
        yield Touches(touch.objects, about)


def touched(kind: str) -> tuple[Touches, ...]:
    """Return what a kind of job may change."""
    begins = [start for start in TOUCHES if kind.startswith(start)]
    return TOUCHES[max(begins, key=len)] if begins else ()


def _named(job: Job, touch: Touches, nodes: list[str], places: dict[str, str]) -> Iterator[str]:
    key = job.object.partition("/")[2]
    values = {NODE: [key], EVERY_NODE: nodes, VM_NODE: [places[key]] if key in places else nodes}
    for name in touch.objects:
        word = next((one for one in values if one in name), "")
        yield from (name.replace(word, value) for value in values[word]) if word else (name,)

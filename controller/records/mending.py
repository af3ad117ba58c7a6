"""Reading what can be mended and what was: the last run's findings, and the jobs that mended."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import Conflict, NotFound, Text
from compliance import remedies
from compliance.model import Verdict
from compliance.remedies.model import Remedy
from controller.records import compared, compliance, jobs, nodes
from controller.records.tables import Job

MEND, UNDO = "compliance.mend", "compliance.undo"
_BAD = (Verdict.VIOLATED, Verdict.PARTIAL)


class NothingToMend(Conflict):
    """No finding of the last run on that node has such a remedy."""

    code = "compliance.nothing_to_mend"
    text = Text("节点 {node} 没有可整改的项", "There is nothing to mend on {node}")
    hint = Text(
        "请先执行检查（hbox compliance run）；其余项的处理建议见 hbox compliance remedies。",
        "Run the inspection first; `hbox compliance remedies` has the advice on all others.",
    )


@dataclass(frozen=True)
class Failing:
    """One check of the newest run that did not conform on a node, and why."""

    check: str
    verdict: str
    reason: Text


@dataclass(frozen=True)
class Mending:
    """One job that mended. `undone_by` is the number of the job that took it back, 0 for none."""

    id: str
    number: int
    node: str
    remedies: tuple[str, ...]
    actor: str
    at: str
    changed: dict[str, str]
    verdicts: dict[str, list[str]]
    diff: str
    undone_by: int


def home(session: Session) -> str:
    """Return the name of the home node; of the only one where none says that it is; raises `NotFound`."""
    found = nodes.many(session)
    named = next((one for one in found if one.home), None) or nodes.first(session)
    return named.name


def failed(session: Session, node: str) -> list[str]:
    """Return the ids of `failing`."""
    return [one.check for one in failing(session, node)]


def failing(session: Session, node: str) -> list[Failing]:
    """Return the checks that did not conform on that node in the newest run; raises `NotFound` without one.

    What is the box's own (boundary, records) is the home node's.
    """
    report = compared.read(compliance.run(session, "last"))
    own = {f"host:{node}", f"hypervisor:{node}"}
    if home(session) == node:
        own |= {"boundary:gateway", "controller:box", "db:box", "app:modules"}
    return [
        Failing(c["id"], c["verdict"], Text(c["reason"]["zh"], c["reason"]["en"]))
        for c in report["checks"]
        if c["subject"] in own and c["verdict"] in _BAD
    ]


def chosen(session: Session, node: str, names: Iterable[str], *, safe: bool) -> tuple[Remedy, ...]:
    """Return the named remedies (or those of named checks); with `safe` all safe ones of the last run's findings.

    Raises `NoSuchRemedy` and `NothingToMend`.
    """
    found = {one.id for one in remedies.named(names)}
    if safe:
        found |= {one.id for one in remedies.safe_for(failed(session, node))}
    if not found:
        raise NothingToMend(node=node)
    return remedies.named(found)


def mendings(session: Session, limit: int = 100) -> list[Mending]:
    """Return the jobs that mended, newest first."""
    query = select(Job).where(Job.kind == MEND, Job.state == "succeeded")
    found = session.scalars(query.order_by(Job.number.desc()).limit(limit))
    undone = _undone(session)
    return [_mending(job, undone) for job in found]


def mending(session: Session, name: str) -> Mending:
    """Return a mending by its job's id or number; raises `NotFound`."""
    job = jobs.get(session, name)
    if job.kind != MEND or job.state != "succeeded":
        raise NotFound(what="整改 mending", name=name)
    return _mending(job, _undone(session))


def _undone(session: Session) -> dict[str, int]:
    query = select(Job).where(Job.kind == UNDO, Job.state == "succeeded")
    return {job.action["mended"]: job.number for job in session.scalars(query)}


def _mending(job: Job, undone: dict[str, int]) -> Mending:
    told: dict[str, Any] = job.result or {}
    return Mending(
        id=job.id,
        number=job.number,
        node=job.action["node"],
        remedies=tuple(job.action["remedies"].split(",")),
        actor=job.actor,
        at=job.finished_at or job.created_at,
        changed=told.get("changed", {}),
        verdicts=told.get("verdicts", {}),
        diff=told.get("diff", ""),
        undone_by=undone.get(job.id, 0),
    )

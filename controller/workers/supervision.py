"""Supervision's chores and its small jobs: alerts, the daily proof and report, acknowledging, rebuilding."""

import datetime as dt
import json
from collections.abc import Sequence

from sqlalchemy import select

from appliance import chance, clock
from appliance.errors import Text
from appliance.signing import SigningKey
from appliance.syslog import Syslog
from controller.actions.supervision import AcknowledgeAlert, RebuildIndex
from controller.jobs.steps import Say, Step
from controller.records import alerts as words
from controller.records.exchange import GatewayMinute, Proof
from controller.records.session import reading
from controller.records.tables import Job
from controller.workers import alerts, looks, reports
from controller.workers.index import Index
from controller.workers.journal_heads import Sealer
from controller.workers.site import Site
from controller.workers.watch import Chore

_PROVED = dt.timedelta(hours=24)


def chores(site: Site, index: Index) -> list[Chore]:
    """Return what supervision does again and again."""
    syslog = Syslog(site.settings.syslog_remote)
    sealer = Sealer(site, index, syslog)
    return [
        Chore("transfers", 2.0, index.catch_up),
        Chore("journal heads", 2.0, sealer.seal),
        Chore("journal retention", 1800.0, sealer.prune),
        Chore("gateway minute", 30.0, lambda: alerts.look(site)),
        Chore("alerts", 20.0, lambda: alerts.watch(site, syslog)),
        Chore("looks", 60.0, lambda: looks.sweep(site)),
    ]


def slow_chores(site: Site) -> list[Chore]:
    """Return what is done once a day and takes its time: it must not hold up the index and the alerts."""
    return [
        Chore("daily proof", 600.0, lambda: prove_daily(site)),
        Chore("daily report", 300.0, lambda: reports.nightly(site)),
    ]


def acknowledge(action: AcknowledgeAlert, site: Site) -> Sequence[Step]:
    """Note who took the alert on; syslog hears of it."""

    def run(_say: Say) -> None:
        with reading(site.engine) as session:
            job = session.get(Job, site.job_id)
            actor = job.actor if job else ""
        site.change(lambda session: alerts.acknowledge(session, action.alert_id, actor))
        with reading(site.engine) as session:
            alert = words.get(session, action.alert_id)
        alerts.say(Syslog(site.settings.syslog_remote), f"acknowledged by={actor}", alert)

    return [Step("acknowledge", Text("记下确认人", "Note who took it on"), run)]


def rebuild(action: RebuildIndex, site: Site) -> Sequence[Step]:
    """Read the whole journal again."""
    del action

    def run(say: Say) -> None:
        read = Index(site).rebuild()
        say(f"已读取 {read} 条日志 records read: {read}")
        site.report(read=read)

    return [Step("rebuild", Text("从日志重建索引", "Rebuild the index from the journal"), run)]


def prove_daily(site: Site) -> bool:
    """Run the prover when the last proof is a day old and the gateway runs; return whether it ran."""
    oldest = clock.iso(clock.now() - _PROVED)
    with reading(site.engine) as session:
        fresh = session.scalar(select(Proof.id).where(Proof.at >= oldest).limit(1))
        last = session.scalar(select(GatewayMinute).order_by(GatewayMinute.minute.desc()).limit(1))
    if fresh is not None or last is None or not last.alive:
        return False
    # Late: it brings pyroute2 along, 12 MB that the worker needs for this alone.
    from network.gateway import prove as prover  # noqa: PLC0415 - see above

    key = SigningKey.load(site.settings.keys / "report.key")
    proof = prover.prove(key, host=site.home.host)
    row = Proof(
        id=chance.new_id(),
        at=proof.at,
        level=proof.level,
        open_ways=sum(finding.verdict == "OPEN" for finding in proof.findings),
        document=json.loads(prover.render(proof)),
    )
    site.change(lambda session: session.add(row))
    return True

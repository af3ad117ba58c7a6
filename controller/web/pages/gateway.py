"""The data exchange: alerts, dead letters, plots, the search of transfers, open channels, the last proof."""

from dataclasses import asdict

from flask import jsonify, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from controller.actions.gateway import ProveGateway
from controller.actions.orders import DropDead, PauseChannel, RerunDead, ResumeChannel
from controller.actions.supervision import AcknowledgeAlert, ExportTransfers
from controller.records import alerts, traffic
from controller.records import gateway as records
from controller.records.tables import Job
from controller.web.desk import Desk, text
from controller.web.facts import transfers
from controller.web.facts.channels import in_force
from controller.web.facts.proofs import view
from controller.web.facts.search import Search
from controller.web.paging import number_before
from controller.web.route import READERS, Route

PAGE = 15
SPANS = {"60": 60, "360": 360, "1440": 1440}
_DEAD = 20
_STARTS = 6  # of the gateway, that a plot can carry


def show(desk: Desk) -> ResponseReturnValue:
    """Show it all."""
    span = request.args.get("span", "60")
    minutes = SPANS.get(span, 60)
    with desk.records() as session:
        proof = next(iter(records.proofs(session, 1)), None)
        return desk.render(
            "gateway.html",
            **_listing(session),
            **_trouble(desk, session),
            choices=transfers.known(session),
            proof=view(proof) if proof else None,
            channels=in_force(session, desk.settings.state / "gateway"),
            events=_marks(session, minutes),
            refusals=transfers.refused_by_rule(session, minutes),
            span=span if span in SPANS else "60",
            spans=tuple(SPANS),
            may_prove=desk.may(ProveGateway),
            may_export=desk.may(ExportTransfers),
            may_pause=desk.may(PauseChannel),
        )


def rows(desk: Desk) -> ResponseReturnValue:
    """Return the table of transfers alone, for the page's own renewal."""
    with desk.records() as session:
        return desk.render("_transfers.html", **_listing(session))


def trouble(desk: Desk) -> ResponseReturnValue:
    """Return alerts and dead letters alone, for the page's own renewal."""
    with desk.records() as session:
        return desk.render("_trouble.html", **_trouble(desk, session))


def rate_json(desk: Desk) -> ResponseReturnValue:
    """Return the plots' figures."""
    minutes = SPANS.get(request.args.get("span", ""), 60)
    with desk.records() as session:
        marks = [at for at, _ in _marks(session, minutes)]
        return jsonify({**transfers.plots(session, minutes), "events": marks})


def prove(desk: Desk) -> ResponseReturnValue:
    """Ask for a proof that there is no other way across."""
    return desk.ask(ProveGateway())


def acknowledge(desk: Desk, alert_id: str) -> ResponseReturnValue:
    """Say that the reader sees to an alert."""
    desk.submit(AcknowledgeAlert(alert_id))
    return redirect("/gateway", 303)


def rerun(desk: Desk, delivery: str) -> ResponseReturnValue:
    """Ask for a dead letter to be delivered again."""
    return desk.ask(RerunDead(delivery, text("reason")))


def drop(desk: Desk, delivery: str) -> ResponseReturnValue:
    """Give a dead letter up."""
    return desk.ask(DropDead(delivery, text("reason")))


def pause(desk: Desk, channel: str) -> ResponseReturnValue:
    """Ask for a channel to be paused."""
    return desk.ask(PauseChannel(channel, text("reason")))


def resume(desk: Desk, channel: str) -> ResponseReturnValue:
    """Ask for a paused channel to go on."""
    return desk.ask(ResumeChannel(channel, text("reason")))


def _marks(session: Session, minutes: int) -> list[tuple[str, Job | None]]:
    """Return what happened beside the plots, in order: a job, or None where the gateway began anew."""
    jobs = [(job.started_at or "", job) for job in transfers.events(session, minutes)]
    began = [(at, None) for at in transfers.starts(session, minutes)][-_STARTS:]
    return sorted([*jobs, *began], key=lambda mark: mark[0])


def _trouble(desk: Desk, session: Session) -> dict[str, object]:
    found = alerts.open_ones(session)
    return {
        "alerts": [(alert, alerts.words(alert)) for alert in found],
        "dead": traffic.dead(session, _DEAD),
        "dead_all": sum(traffic.dead_by_channel(session).values()),
        "waiting": traffic.waiting(session),
        "paused": records.paused(session),
        "may_acknowledge": desk.may(AcknowledgeAlert),
        "may_settle": desk.may(RerunDead),
    }


def _listing(session: Session) -> dict[str, object]:
    search = Search.of(request.args.to_dict())
    before = number_before()
    found = records.transfers(session, search.wanted(before, PAGE + 1))
    older = found[PAGE - 1].number if len(found) > PAGE else None
    return {
        "transfers": found[:PAGE],
        "search": search,
        "search_parts": list(asdict(search).items()),
        "before": before,
        "older": older,
        "names": records.names(session),
    }


ROUTES = (
    Route("/gateway", show, READERS),
    Route("/gateway/rows", rows, READERS),
    Route("/gateway/trouble/rows", trouble, READERS),
    Route("/gateway/rate.json", rate_json, READERS),
    Route("/gateway/prove", prove, READERS, "POST"),
    Route("/gateway/alerts/<alert_id>/ack", acknowledge, AcknowledgeAlert.roles, "POST"),
    Route("/gateway/dead/<delivery>/rerun", rerun, RerunDead.roles, "POST"),
    Route("/gateway/dead/<delivery>/drop", drop, DropDead.roles, "POST"),
    Route("/gateway/channels/<channel>/pause", pause, PauseChannel.roles, "POST"),
    Route("/gateway/channels/<channel>/resume", resume, ResumeChannel.roles, "POST"),
)

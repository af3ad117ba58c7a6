"""The data exchange: what crossed and what was refused, the open channels, the last proof."""

from dataclasses import asdict

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from controller.actions.gateway import ProveGateway
from controller.records import gateway as records
from controller.records.tables import Transfer
from controller.web.desk import Desk
from controller.web.facts import modules
from controller.web.facts.flows import FlowView
from controller.web.facts.proofs import view
from controller.web.facts.transfers import events, known, rate
from controller.web.paging import number_before
from controller.web.route import READERS, Route

PAGE = 15
SPANS = {"60": 60, "360": 360, "1440": 1440}


def show(desk: Desk) -> ResponseReturnValue:
    """Show plot, transfers, channels and proof."""
    span = request.args.get("span", "60")
    with desk.records() as session:
        channels, verdicts = known(session)
        proof = next(iter(records.proofs(session, 1)), None)
        opened = channels_open(session)
        listing = _listing(session)
        beside = events(session, SPANS.get(span, 60))
    return desk.render(
        "gateway.html",
        **listing,
        channels=channels,
        verdicts=verdicts,
        proof=view(proof) if proof else None,
        open_channels=opened,
        events=beside,
        span=span if span in SPANS else "60",
        spans=tuple(SPANS),
        may_prove=desk.may(ProveGateway),
    )


def rows(desk: Desk) -> ResponseReturnValue:
    """Return the table of transfers alone, for the page's own renewal."""
    with desk.records() as session:
        return desk.render("_transfers.html", **_listing(session))


def rate_json(desk: Desk) -> ResponseReturnValue:
    """Return the plot's figures."""
    span = SPANS.get(request.args.get("span", ""), 60)
    with desk.records() as session:
        marks = [job.started_at for job in events(session, span)]
        return jsonify({**asdict(rate(session, span)), "events": marks})


def one(desk: Desk, number: str) -> ResponseReturnValue:
    """Show one transfer in full."""
    with desk.records() as session:
        transfer = session.get(Transfer, int(number)) if number.isdigit() else None
    return desk.render("transfer.html", transfer=transfer, number=number)


def prove(desk: Desk) -> ResponseReturnValue:
    """Ask for a proof that there is no other way across."""
    return desk.ask(ProveGateway())


def channels_open(session: Session) -> list[FlowView]:
    """Return the channels of approved modules, one line per channel and side."""
    approved = [m for m in modules.all_of(session) if m.approval == "approved"]
    return [flow for module in approved for flow in module.flows if flow.channel]


def _listing(session: Session) -> dict[str, object]:
    wanted = records.Wanted(
        channel=request.args.get("channel") or None,
        verdict=request.args.get("verdict") or None,
        before=number_before(),
        limit=PAGE + 1,
    )
    found = records.transfers(session, wanted)
    older = found[PAGE - 1].number if len(found) > PAGE else None
    return {"transfers": found[:PAGE], "wanted": wanted, "older": older}


ROUTES = (
    Route("/gateway", show, READERS),
    Route("/gateway/rows", rows, READERS),
    Route("/gateway/rate.json", rate_json, READERS),
    Route("/gateway/transfers/<number>", one, READERS),
    Route("/gateway/prove", prove, READERS, "POST"),
)

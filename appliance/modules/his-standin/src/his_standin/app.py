"""The stand-in's HTTP interface: FHIR R4 for the gateway alone, a page for staff, health."""

import datetime as dt
import json
import re
import time
from typing import Any

from flask import Flask, Response, abort, render_template, request

from his_standin import VERSION, fhir
from his_standin.config import Config
from his_standin.outbox import Outbox
from his_standin.sample import ZONE
from his_standin.store import Clash, Store, now

_CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_START = re.compile(r"(ge|gt|lt|le)?(\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2}))?)")
_STALLED = 300.0  # seconds an answer may wait before the module calls itself unwell


def make(config: Config, store: Store, outbox: Outbox) -> Flask:
    """Return the WSGI application."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 65536
    app.after_request(_headers)
    app.register_error_handler(
        413, lambda _: _fhir(fhir.outcome("too-long", "body too large"), 413)
    )

    @app.get("/fhir/Slot")
    def search() -> Response:
        _only(config.gateway_host)
        store.fill()
        try:
            return _fhir(fhir.bundle([fhir.slot(*found) for found in _search(store)]))
        except ValueError as error:
            return _fhir(fhir.outcome("invalid", str(error)), 400)

    @app.post("/fhir/Appointment")
    def propose() -> Response:
        _only(config.gateway_host)
        delivery = request.headers.get("X-HBox-Delivery", "")
        if not re.fullmatch(r"[A-Za-z0-9._:-]{1,100}", delivery):
            return _fhir(fhir.outcome("required", "X-HBox-Delivery is missing"), 400)
        try:
            raw = json.loads(request.get_data(cache=False))
            decision = store.decide(fhir.proposal(raw), delivery, time.time())
        except Clash as error:
            return _fhir(fhir.outcome("conflict", str(error)), 409)
        except (ValueError, RecursionError) as error:
            return _fhir(fhir.outcome("invalid", str(error)[:200]), 422)
        outbox.wake()
        return _fhir(fhir.appointment(decision), 201)

    @app.get("/")
    def staff() -> str:
        return render_template("staff.html", bookings=store.bookings(), backlog=store.backlog()[0])

    @app.get("/health/<probe>")
    def health(probe: str) -> Response:
        _only("127.0.0.1")
        return _health(probe, store)

    return app


def _health(probe: str, store: Store) -> Response:
    said: dict[str, Any] = {"status": "ok", "module": "his-standin", "version": VERSION}
    if probe not in ("live", "ready", "deep"):
        abort(404)
    if probe != "live":
        said["database"] = store.check()
    if probe == "deep":
        store.fill()
        waiting, since = store.backlog()
        said["free_slots"] = len(store.slots("free", now().isoformat(), "9999", 1000))
        said["answers_waiting"] = waiting
        said["oldest_waits_seconds"] = round(time.time() - since) if waiting else 0
    well = said.get("database", "ok") == "ok" and said.get("oldest_waits_seconds", 0) < _STALLED
    said["status"] = "ok" if well else "failing"
    return Response(
        json.dumps(said, ensure_ascii=False), 200 if well else 503, mimetype="application/json"
    )


def _search(store: Store) -> list[tuple[Any, str]]:
    since, until = now().astimezone(ZONE).isoformat(), "9999"
    for value in request.args.getlist("start"):
        found = _START.fullmatch(value)
        if not found:
            raise ValueError("start: not a FHIR date")
        at = _instant(found[2])
        if found[1] in ("ge", "gt"):
            since = max(since, at)
        elif found[1] in ("lt", "le"):
            until = min(until, at)
        else:
            raise ValueError("start: give ge, gt, le or lt")
    status = request.args.get("status")
    if status not in (None, "free", "busy"):
        raise ValueError("status: free or busy")
    count = request.args.get("_count", "200")
    if not re.fullmatch(r"[1-9]\d{0,2}", count):
        raise ValueError("_count: 1 to 999")
    return store.slots(status, since, until, int(count))


def _instant(text: str) -> str:
    at = dt.datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=ZONE)).astimezone(ZONE).isoformat()


def _only(host: str) -> None:
    # Addresses are given by the controller and filtered on the bridge; this is the second lock.
    if request.remote_addr != host:
        abort(404)


def _fhir(resource: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(resource, ensure_ascii=False), status, content_type=fhir.TYPE)


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response

"""Puts the application together and runs it on a small threaded server until it is told to stop."""

import logging
import signal
import threading
from types import FrameType

from cheroot.wsgi import Server
from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from hbox_appointment import inbound, mllp, pages
from hbox_appointment.config import Config
from hbox_appointment.limits import Limit
from hbox_appointment.link import Gateway
from hbox_appointment.outbox import Outbox
from hbox_appointment.slots import Slots
from hbox_appointment.store import Store

_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def make(config: Config, store: Store, outbox: Outbox, gateway: Gateway) -> Flask:
    """Return the WSGI application."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 65536
    app.config["MAX_FORM_PARTS"] = 20
    slots = Slots(gateway, store.taken)
    app.register_blueprint(pages.make(store, slots, outbox, Limit(config.bookings_per_minute)))
    app.register_blueprint(inbound.make(store, slots, config.gateway_address[0]))
    app.after_request(_headers)
    app.register_error_handler(404, lambda _: (render_template("missing.html"), 404))
    for status in (400, 405, 413, 500):
        app.register_error_handler(status, _failed)
    visitors = Limit(config.pages_per_minute)

    @app.before_request
    def limited() -> ResponseReturnValue | None:
        # The gateway and the box's own probes must get through a rush of patients.
        inside = request.remote_addr in (config.gateway_address[0], "127.0.0.1")
        if inside or visitors.allows(request.remote_addr or ""):
            return None
        return render_template("busy.html"), 429

    return app


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    store = Store(config.database)
    gateway = Gateway(config.gateway_address, config.mllp_gateway, config.hl7_departments)
    line = mllp.Server(config.mllp_bind, config.gateway_address[0], lambda m: inbound.hl7_answer(store, m))
    outbox = Outbox(store, gateway)
    app = make(config, store, outbox, gateway)
    server = Server(config.bind, app, numthreads=16, server_name="appointment", timeout=15)
    server.request_queue_size = 128
    server.max_request_header_size = 16384
    server.max_request_body_size = 65536

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # In a thread of its own: raised into the serving loop, it could land anywhere.
        threading.Thread(target=server.stop).start()

    server.prepare()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    outbox.start()
    line.start()
    try:
        server.serve()
    finally:
        outbox.end()
        line.end()


def _failed(error: Exception) -> ResponseReturnValue:
    status = error.code if isinstance(error, HTTPException) and error.code else 500
    return render_template("failed.html"), status


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response

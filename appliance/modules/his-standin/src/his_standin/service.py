"""Runs the application on a small threaded server until it is told to stop."""

import logging
import signal
import threading
from types import FrameType

from cheroot.wsgi import Server

from his_standin import mllp
from his_standin.app import make
from his_standin.config import Config
from his_standin.hl7line import Desk
from his_standin.outbox import Outbox
from his_standin.store import Store


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    store = Store(config.database)
    store.fill()
    outbox = Outbox(store, config.gateway, config.mllp_gateway_port)
    desk = Desk(store, outbox)
    line = mllp.Server(config.mllp_bind, config.gateway_host, desk.take)
    server = Server(
        config.bind,
        make(config, store, outbox),
        numthreads=8,
        server_name="his-standin",
        timeout=15,
    )
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

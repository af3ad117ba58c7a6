"""Stands in for the gateway in these tests only: two loopback ports, store and forward, no policy."""

import http.client
import itertools
import json
import queue
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Relay:
    """`outside` faces the appointment module, `inside` the HIS; targets are set once they run.

    `lose_acks` accepts that many proposals without saying so; `twice` delivers everything twice;
    `refuse` is the status with which every POST is turned away.
    """

    def __init__(self) -> None:
        self.his = self.appointment = 0
        self.lose_acks = 0
        self.twice = False
        self.open = True
        self.refuse = 0
        self.seen: Callable[[bytes], object] = lambda body: body
        self.delivered: list[tuple[int, str, int]] = []
        self._numbers = itertools.count(1)
        self._queue: queue.Queue[tuple[str, bytes, str]] = queue.Queue()
        self.outside, self.inside = self._serve("his"), self._serve("appointment")
        threading.Thread(target=self._deliver, daemon=True).start()

    def end(self) -> None:
        for server in (self.outside, self.inside):
            server.shutdown()
            server.server_close()

    def _serve(self, target: str) -> ThreadingHTTPServer:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not relay.open or not relay.his:
                    return self._say(503, b"{}")
                status, body = relay.ask(relay.his, "GET", self.path, b"", {})
                return self._say(status, body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not relay.open:
                    return self._say(503, b"{}")
                if relay.refuse:
                    return self._say(relay.refuse, b"{}")
                relay.seen(body)
                relay._queue.put((target, body, f"d-{next(relay._numbers)}"))
                if target == "his" and relay.lose_acks > 0:
                    relay.lose_acks -= 1
                    return self.connection.close()
                return self._say(202, b"{}")

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # lost acks are meant
        server.daemon_threads = True
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return server

    def _deliver(self) -> None:
        while True:
            target, body, delivery = self._queue.get()
            for _ in range(2 if self.twice else 1):
                self._until_taken(target, body, delivery)

    def _until_taken(self, target: str, body: bytes, delivery: str) -> None:
        pause = threading.Event()
        for _ in range(200):
            port = getattr(self, target)
            try:
                status, _answer = self.ask(
                    port, "POST", "/fhir/Appointment", body, {"X-HBox-Delivery": delivery}
                )
            except (OSError, http.client.HTTPException):
                status = 0
            self.delivered.append((port, delivery, status))
            if 200 <= status < 300 or status in (404, 409, 422):
                return
            pause.wait(0.1)

    @staticmethod
    def ask(
        port: int, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            link.request(method, path, body or None, headers)
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()


def parsed(body: bytes) -> dict[str, object]:
    """Return a JSON object."""
    found = json.loads(body)
    assert isinstance(found, dict)
    return found

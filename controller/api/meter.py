"""What this web process counts of itself: requests by route and status, seconds, memory."""

from flask import current_app
from prometheus_client import CollectorRegistry, Counter, ProcessCollector

KEY = "hbox.meter"


class Meter:
    """The counters of one web process; they begin at zero with it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(namespace="hbox_web", registry=self.registry)
        self._requests = Counter(
            "hbox_api_requests",
            "接口请求数 requests to the API",
            ("route", "status"),
            registry=self.registry,
        )
        self._seconds = Counter(
            "hbox_api_request_seconds",
            "接口处理时间合计 seconds spent answering them",
            ("route",),
            registry=self.registry,
        )

    def note(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).inc(seconds)


def meter() -> Meter:
    """Return the meter of the application that answers now."""
    held: Meter = current_app.extensions[KEY]
    return held

"""Settings of the module, read from the JSON file named in HBOX_MODULE_CONFIG."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Config:
    """Where to listen, the gateway's extranet leg, the data folder, limits per address and minute."""

    listen: str = "127.0.0.1:8080"
    gateway: str = "http://10.88.0.2:8080"
    data: str = "."
    bookings_per_minute: int = 30
    pages_per_minute: int = 1200

    @property
    def bind(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host, int(port)

    @property
    def gateway_address(self) -> tuple[str, int]:
        """Host and port of the gateway's leg; answers are taken from this host alone."""
        parts = urlsplit(self.gateway)
        return parts.hostname or "", parts.port or 80

    @property
    def database(self) -> Path:
        """Where bookings are kept."""
        return Path(self.data) / "appointment.sqlite"


def load() -> Config:
    """Read the file named in the environment; without one, the defaults. Unknown keys raise."""
    path = os.environ.get("HBOX_MODULE_CONFIG")
    return Config(**json.loads(Path(path).read_text("utf-8"))) if path else Config()

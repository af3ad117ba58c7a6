"""Settings of the module, read from the JSON file named in HBOX_MODULE_CONFIG."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Config:
    """Address to listen on, base URL of the gateway's intranet leg, folder of the database."""

    listen: str = "127.0.0.1:8080"
    gateway: str = "http://10.66.0.2:8080"
    data: str = "."
    mllp_listen: int = 2575
    mllp_gateway_port: int = 2575

    @property
    def bind(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host, int(port)

    @property
    def gateway_host(self) -> str:
        """The only address that may use the FHIR interface."""
        return urlsplit(self.gateway).hostname or ""

    @property
    def mllp_bind(self) -> tuple[str, int]:
        """Host and port to take HL7 v2 on."""
        return self.bind[0], self.mllp_listen

    @property
    def database(self) -> Path:
        """Where bookings are kept."""
        return Path(self.data) / "his.sqlite"


def load() -> Config:
    """Read the file named in the environment; without one, the defaults. Unknown keys raise."""
    path = os.environ.get("HBOX_MODULE_CONFIG")
    return Config(**json.loads(Path(path).read_text("utf-8"))) if path else Config()

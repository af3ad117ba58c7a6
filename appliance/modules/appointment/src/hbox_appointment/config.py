"""Settings of the module, read from the JSON file named in HBOX_MODULE_CONFIG."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Config:
    """Where to listen, the gateway's extranet leg, the data folder, limits per address and minute.

    `hl7_departments` are booked over HL7 v2, all others over FHIR; the `mllp` numbers are ports.
    """

    listen: str = "127.0.0.1:8080"
    gateway: str = "http://10.88.0.2:8080"
    data: str = "."
    mllp_listen: int = 2575
    mllp_gateway_port: int = 2575
    hl7_departments: tuple[str, ...] = ("放射科（模拟）",)
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
    def mllp_gateway(self) -> tuple[str, int]:
        """Host and port of the gateway's leg for HL7 v2."""
        return self.gateway_address[0], self.mllp_gateway_port

    @property
    def mllp_bind(self) -> tuple[str, int]:
        """Host and port to take HL7 v2 on."""
        return self.bind[0], self.mllp_listen

    @property
    def database(self) -> Path:
        """Where bookings are kept."""
        return Path(self.data) / "appointment.sqlite"


def load() -> Config:
    """Read the file named in the environment; without one, the defaults. Unknown keys raise."""
    path = os.environ.get("HBOX_MODULE_CONFIG")
    if not path:
        return Config()
    told = json.loads(Path(path).read_text("utf-8"))
    departments = told.get("hl7_departments", Config.hl7_departments)
    return Config(**{**told, "hl7_departments": tuple(departments)})

"""What the sample hospital consists of: two modules of ours, each in a virtual machine of its own."""

from dataclasses import dataclass
from pathlib import Path

import appliance

SOURCES = Path(appliance.__file__).parent / "modules"
VENDOR = "hbox"  # as the shipped modules' manifests say


@dataclass(frozen=True)
class Part:
    """One module and the machine it lives in."""

    module: str
    vm: str
    zone: str

    @property
    def source(self) -> Path:
        """The module's source tree."""
        return SOURCES / self.module


PARTS = (
    Part("appointment", "appointment", "extranet"),
    Part("his-standin", "his", "intranet"),
)

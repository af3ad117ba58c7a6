"""What everything of one lab is called and where it lies; all of it derives from the lab's name."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BadInput

MANAGEMENT = "10.77.0"  # the lab's own side is .1, node n is .10 + n
OUTSIDE = {"ext": "10.88.0.200/24", "int": "10.66.0.200/24"}
ZONES = ("mgmt", "ext", "int")
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")  # no dash: hbox-a-ext must not be a lab called "a-ext"


@dataclass(frozen=True)
class Names:
    """Names and paths of the lab `lab`."""

    lab: str
    top: Path

    @property
    def folder(self) -> Path:
        """State of the lab."""
        return self.top / self.lab

    def node(self, number: int) -> Path:
        """State of one node."""
        return self.folder / f"n{number}"

    def address(self, number: int) -> str:
        """Management address of one node."""
        return f"{MANAGEMENT}.{10 + number}"

    def hostname(self, number: int) -> str:
        """Host name of one node, which is also its machine name."""
        return f"{self.lab}-n{number}"

    def cgroup(self, number: int) -> str:
        """Name of a node's cgroup in every hierarchy."""
        return f"hbox.{self.lab}.{number}"

    def namespace(self, zone: str) -> str:
        """Network namespace: `mgmt` is the switch's own, `ext` and `int` the outside parties'."""
        if zone not in ZONES:
            raise BadInput(what="zone", why=f"{zone} is none of {', '.join(ZONES)}")
        return f"hbox-{self.lab}" if zone == "mgmt" else f"hbox-{self.lab}-{zone}"

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every network namespace of the lab."""
        return tuple(self.namespace(zone) for zone in ZONES)


def names(lab: str) -> Names:
    """Return the names of `lab`; state lies in $HBOX_LAB, else /var/lib/hbox-lab."""
    if not is_name(lab):
        raise BadInput(what="lab name", why=f"{lab!r} does not match {_NAME.pattern}")
    return Names(lab, top())


def is_name(text: str) -> bool:
    """Whether a lab may be called so."""
    return _NAME.fullmatch(text) is not None


def top() -> Path:
    """Return the folder that holds the state of all labs."""
    return Path(os.environ.get("HBOX_LAB", "/var/lib/hbox-lab"))


def enter(namespace: str, *argv: str) -> list[str]:
    """Return `argv` run in a network namespace.

    Not `ip netns exec`: that mounts a new /sys, and the cgroups under it are gone.
    """
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv]

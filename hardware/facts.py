"""What a node is made of, as frozen facts; sizes in MiB, speeds in Mbit/s, None where unknown."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Accelerator(StrEnum):
    """What runs the node's virtual machines."""

    KVM = "kvm"
    TCG = "tcg"
    NONE = "none"


@dataclass(frozen=True)
class Cpu:
    """Processors: `cores` as the kernel schedules them, `flags` sorted."""

    model: str
    cores: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Memory:
    """Main memory."""

    total_mib: int
    swap_mib: int


@dataclass(frozen=True)
class Nic:
    """A network interface. `driver` is empty for virtual ones; `master` is the bridge or bond it is in."""

    name: str
    kind: str
    mac: str
    state: str
    mtu: int
    driver: str
    speed: int | None
    master: str


@dataclass(frozen=True)
class Disk:
    """A whole disk. `foreign` ones belong to somebody else (in a lab: the host) and are never touched."""

    name: str
    size_mib: int
    model: str
    serial: str
    transport: str
    rotational: bool
    read_only: bool
    mountpoints: tuple[str, ...]
    foreign: bool


@dataclass(frozen=True)
class Attempt:
    """One try to run a guest: whether it ran, and what was seen."""

    accelerator: Accelerator
    works: bool
    seen: str
    seconds: float


@dataclass(frozen=True)
class Virtualisation:
    """Which accelerator virtual machines will use, and the tries that say so."""

    accelerator: Accelerator
    nested: bool
    proved_with: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Inventory:
    """Everything known of a node at one instant; `lab` marks a developer's node."""

    name: str
    at: str
    lab: bool
    kernel: str
    os: str
    cpu: Cpu
    memory: Memory
    nics: tuple[Nic, ...]
    disks: tuple[Disk, ...]
    virtualisation: Virtualisation

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return asdict(self)

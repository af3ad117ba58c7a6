"""What a driver must be able to do: hypervisor and storage, as small protocols with abilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from appliance.errors import Conflict, Failed, NotFound, Text, Unavailable


class Ability(StrEnum):
    """What a driver may offer beyond the bare minimum; workers ask for these, never for names."""

    AGENT = "agent"  # speaks to the guest without a network
    HOTPLUG = "hotplug"  # attaches and detaches a volume while the VM runs
    CLONE = "clone"  # a system volume shares the base image's blocks


class Power(StrEnum):
    """What is really there, as the engine itself says now."""

    ABSENT = "absent"
    STOPPED = "stopped"
    RUNNING = "running"


class Accelerator(StrEnum):
    """How guest instructions are run: by the processor (KVM) or by translation (TCG)."""

    KVM = "kvm"
    TCG = "tcg"


@dataclass(frozen=True)
class Disk:
    """One disk of a VM. `serial` (at most 20 characters) is how the guest finds it."""

    path: Path
    serial: str
    format: str = "qcow2"
    read_only: bool = False


@dataclass(frozen=True)
class Boot:
    """Direct kernel boot: files on the node and the kernel's command line."""

    kernel: Path
    initrd: Path
    command_line: str


@dataclass(frozen=True)
class VmSpec:
    """All that an engine needs to define a VM. Memory in MiB; `id` is a UUID and host-unique.

    `tap` names the interface on the node; the packet filter binds the machine's address to it.
    """

    id: str
    name: str
    bridge: str
    mac: str
    tap: str
    vcpus: int
    memory_mib: int
    disks: tuple[Disk, ...]
    boot: Boot
    console: Path
    accelerator: Accelerator = Accelerator.TCG


@dataclass(frozen=True)
class GuestResult:
    """What a program inside a guest said."""

    code: int
    out: bytes
    err: bytes


class EngineUnavailable(Unavailable):
    """The engine does not answer (daemon dead or restarting)."""

    code = "driver.unavailable"
    text = Text("虚拟化引擎暂无响应：{why}", "The hypervisor does not answer: {why}")
    hint = Text("请检查 libvirtd 服务，稍后重试。", "Check the libvirtd service, then try again.")


class EngineFailed(Failed):
    """The engine said no; `why` carries its own words."""

    code = "driver.failed"
    text = Text("虚拟化引擎执行{what}失败：{why}", "The hypervisor failed to {what}: {why}")


class NoSuchVm(NotFound):
    """The engine knows no such VM."""

    code = "driver.no_such_vm"
    text = Text("引擎中没有虚拟机 {name}", "The hypervisor knows no VM {name}")


class NotRunning(Conflict):
    """The VM must run for this."""

    code = "driver.not_running"
    text = Text("虚拟机 {name} 未运行", "The VM {name} is not running")
    hint = Text("请先启动该虚拟机。", "Start the VM first.")


class AgentSilent(Unavailable):
    """The guest agent does not answer."""

    code = "driver.agent_silent"
    text = Text("虚拟机 {name} 的代理无响应：{why}", "The guest agent of {name} is silent: {why}")
    hint = Text(
        "请等待来宾系统启动完成；若持续无响应，请查看其控制台日志。",
        "Wait until the guest has booted; if it stays silent, look at its console log.",
    )


class AbilityMissing(Conflict):
    """This node's engine cannot do that."""

    code = "driver.ability_missing"
    text = Text("驱动 {driver} 不支持 {ability}", "The driver {driver} does not offer {ability}")
    hint = Text("请改用具备该能力的节点。", "Use a node whose engine can do it.")


def need(driver: "HypervisorDriver", *abilities: Ability) -> None:
    """Raise `AbilityMissing` unless `driver` offers all of them."""
    for ability in abilities:
        if ability not in driver.abilities:
            raise AbilityMissing(driver=driver.name, ability=ability.value)


class HypervisorDriver(Protocol):
    """VMs on one node. Every method is idempotent: it brings the state about or finds it there."""

    name: str
    abilities: frozenset[Ability]

    def define(self, spec: VmSpec) -> None:
        """Make the VM known to the engine, stopped; a second time replaces the definition."""
        ...

    def undefine(self, vm_id: str) -> None:
        """Forget the VM (powering it off if it runs); an absent one is fine."""
        ...

    def start(self, vm_id: str) -> None:
        """Power on, also whenever the node itself comes up again; raises `NoSuchVm`."""
        ...

    def stop(self, vm_id: str, *, force: bool = False, patience: float = 90.0) -> None:
        """Ask the guest to shut down, cut its power after `patience` seconds (`force`: at once).

        It stays off when the node comes up again.
        """
        ...

    def state(self, vm_id: str) -> Power:
        """What the engine says of one VM now."""
        ...

    def states(self) -> Mapping[str, Power]:
        """All VMs the engine knows, by id."""
        ...

    def attach(self, vm_id: str, disk: Disk) -> None:
        """Plug a disk into a running VM (not kept over a power cycle); needs `Ability.HOTPLUG`."""
        ...

    def detach(self, vm_id: str, serial: str) -> None:
        """Unplug the disk with that serial and wait until the guest let go; absent is fine."""
        ...

    def ping(self, vm_id: str) -> bool:
        """Whether the guest agent answers within a few seconds; needs `Ability.AGENT`."""
        ...

    def run(
        self, vm_id: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0
    ) -> GuestResult:
        """Run a program inside the guest through its agent; `timeout` in seconds."""
        ...


class StorageDriver(Protocol):
    """Volumes of one node, kept per VM. Every method is idempotent."""

    name: str
    abilities: frozenset[Ability]

    def system(self, vm_id: str, base: Path, gib: int) -> Path:
        """Make the VM's system volume as a linked clone of `base`, at least `gib` GiB; return its path."""
        ...

    def image(self, vm_id: str, name: str, label: str, files: Mapping[str, bytes | Path]) -> Path:
        """Make a read-only ISO 9660 volume called `name` with these files; return its path."""
        ...

    def console(self, vm_id: str) -> Path:
        """Where the VM's console log goes."""
        ...

    def drop(self, vm_id: str, name: str) -> None:
        """Remove one image volume; an absent one is fine."""
        ...

    def erase(self, vm_id: str) -> None:
        """Remove everything of the VM; an absent VM is fine."""
        ...

    def owners(self) -> frozenset[str]:
        """Ids of all VMs that have anything here, half-erased ones too."""
        ...

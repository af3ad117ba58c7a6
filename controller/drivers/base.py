"""What a hypervisor driver must be able to do: a small protocol with abilities."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from appliance.errors import Conflict, Failed, NotFound, Text, Unavailable
from controller.drivers.storage import Source


class Ability(StrEnum):
    """What a driver may offer beyond the bare minimum; workers ask for these, never for names."""

    AGENT = "agent"  # speaks to the guest without a network
    HOTPLUG = "hotplug"  # attaches and detaches a volume while the VM runs
    PAUSE = "pause"  # stops the processors and goes on later
    RESIZE = "resize"  # changes processors and memory of a running VM
    MIGRATE = "migrate"  # moves a running VM to another node, encrypted
    SCREEN = "screen"  # has a screen (VNC) and a serial line to look at
    RESET = "reset"  # presses the reset button
    STATS = "stats"  # says what its VMs use
    INSPECT = "inspect"  # says how a VM is really defined


class Power(StrEnum):
    """What is really there, as the engine itself says now."""

    ABSENT = "absent"
    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


class Accelerator(StrEnum):
    """How guest instructions are run: by the processor (KVM) or by translation (TCG)."""

    KVM = "kvm"
    TCG = "tcg"


@dataclass(frozen=True)
class Disk:
    """One disk of a VM. `serial` (at most 20 characters) is how the guest finds it."""

    source: Source
    serial: str
    read_only: bool = False


@dataclass(frozen=True)
class Link:
    """One network interface. `tap` names it on the node; the packet filter binds its address to it."""

    bridge: str
    mac: str
    tap: str


@dataclass(frozen=True)
class Boot:
    """Direct kernel boot: files on the node and the kernel's command line."""

    kernel: Path
    initrd: Path
    command_line: str


@dataclass(frozen=True)
class VmSpec:
    """All that an engine needs to define a VM. Memory in MiB; `id` is a UUID and host-unique.

    `boot` None: the first disk has a boot loader of its own. `max_vcpus` and `max_memory_mib` are how
    far it can grow while it runs (0: not at all). `screen`: it has a VNC screen on a Unix socket, which
    the engine places (ask `HypervisorDriver.screen`).
    """

    id: str
    name: str
    vcpus: int
    memory_mib: int
    disks: tuple[Disk, ...]
    links: tuple[Link, ...]
    boot: Boot | None
    console: Path
    screen: bool = False
    max_vcpus: int = 0
    max_memory_mib: int = 0
    accelerator: Accelerator = Accelerator.TCG


@dataclass(frozen=True)
class Seen:
    """How the engine defines a VM. `disks` are serials in order, `links` MACs, `extra` other devices.

    The definition is what the next start brings; `live` is what runs now (None: it is off), with what
    was plugged in for this run only. `paused` says why a paused VM is paused: `user`, `io` (a disk did
    not answer: the guest was halted instead of being given errors), or the engine's own word.
    `sources` and `bridges` stand beside `disks` and `links`: file path or POOL/IMAGE, bridge name.
    """

    name: str
    vcpus: int
    memory_mib: int
    disks: tuple[str, ...]
    links: tuple[str, ...]
    extra: tuple[str, ...] = ()
    live: "Seen | None" = None
    paused: str = ""
    sources: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stats:
    """What a running VM has used since it began: processor seconds, bytes; memory in MiB now."""

    cpu_seconds: float
    memory_mib: int
    disk_read: int
    disk_written: int
    net_received: int
    net_sent: int


@dataclass(frozen=True)
class Moved:
    """What a live migration cost: milliseconds in all and without the guest running, MiB sent."""

    total_ms: int
    downtime_ms: int
    sent_mib: int
    encrypted: bool


@dataclass(frozen=True)
class Target:
    """Where a VM moves to: the node's name, and its engine as the source node reaches it."""

    node: str
    uri: str
    address: str


class Serial(Protocol):
    """An open serial line of a running VM."""

    def read(self, limit: int = 65536) -> bytes:
        """Return what the guest wrote, waiting for it; empty when the line has ended."""
        ...

    def write(self, data: bytes) -> None:
        """Type `data` to the guest."""
        ...

    def close(self) -> None:
        """End it; the VM does not notice."""
        ...


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

    def pause(self, vm_id: str) -> None:
        """Stop its processors; needs `Ability.PAUSE`; raises `NotRunning` when it is off."""
        ...

    def resume(self, vm_id: str) -> None:
        """Let its processors go on."""
        ...

    def reset(self, vm_id: str) -> None:
        """Press its reset button; raises `NotRunning` when it is off."""
        ...

    def resize(self, vm_id: str, vcpus: int, memory_mib: int) -> bool:
        """Change processors and memory; False: the running guest sees it after its next start only."""
        ...

    def attach(self, vm_id: str, disk: Disk, *, keep: bool = False) -> None:
        """Plug a disk into a running VM (`keep`: into its definition too); needs `Ability.HOTPLUG`.

        With `keep` a VM that is off gets it into its definition; without, it raises `NotRunning`.
        """
        ...

    def detach(self, vm_id: str, serial: str) -> None:
        """Unplug the disk with that serial and wait until the guest let go; absent is fine.

        It leaves the definition too, if it stood there.
        """
        ...

    def enlarge(self, vm_id: str, serial: str, gib: int) -> None:
        """Enlarge a disk that a running VM has open; the guest sees it at once."""
        ...

    def plug(self, vm_id: str, link: Link) -> None:
        """Add a network interface, to the definition and to the running VM."""
        ...

    def unplug(self, vm_id: str, mac: str) -> None:
        """Take the interface with that MAC away; absent is fine."""
        ...

    def migrate(self, vm_id: str, target: Target, tell: Callable[[float], None]) -> Moved:
        """Move a running VM, its definition included; needs `Ability.MIGRATE`.

        `tell` is told the part done, 0.0 to 1.0. It goes on when this process dies; asked again it
        waits for the one that runs. Afterwards the VM is absent here (asked again then: `NoSuchVm`).
        For about a second both sides list it. The target's engine only is asked by the source's:
        whoever calls checks there with the target's own driver, before: the console log's folder is
        there; afterwards: it runs, and `start` (which finds it running) so that it comes up with that
        node.
        """
        ...

    def cancel_migration(self, vm_id: str) -> None:
        """End a migration that runs; the VM goes on here; none is fine."""
        ...

    def freeze(self, vm_id: str) -> bool:
        """Have the guest hold its file systems still; False when its agent cannot; then `thaw`."""
        ...

    def thaw(self, vm_id: str) -> None:
        """Let the guest write again; safe when nothing was frozen."""
        ...

    def seen(self, vm_id: str) -> Seen | None:
        """How the engine defines the VM (None: absent); needs `Ability.INSPECT`."""
        ...

    def stats(self) -> Mapping[str, Stats]:
        """What the running VMs use, by id."""
        ...

    def screen(self, vm_id: str) -> str:
        """Path of the VNC socket on the node; needs `Ability.SCREEN`; raises `NotRunning`."""
        ...

    def serial(self, vm_id: str) -> Serial:
        """Open the serial line; whoever had it open before loses it."""
        ...

    def ping(self, vm_id: str) -> bool:
        """Whether the guest agent answers within a few seconds; needs `Ability.AGENT`."""
        ...

    def run(
        self, vm_id: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0
    ) -> GuestResult:
        """Run a program inside the guest through its agent; `timeout` in seconds."""
        ...

"""Starts and stops one node: overlay, cgroups, systemd-nspawn, and the proof that all of it is gone."""

import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.chance import new_id
from appliance.clock import monotonic, pause
from appliance.errors import Conflict
from appliance.host import Host
from images.chroot import Overlay
from images.lab import cgroups, processes, seed, switch
from images.lab.names import Names, enter
from images.lab.processes import NotStarted

# nspawn's own default set holds SYS_BOOT; SYS_TIME, SYS_MODULE and SYS_RAWIO are not in it.
_MORE = "CAP_NET_ADMIN,CAP_IPC_LOCK,CAP_BPF"
_LESS = "CAP_SYS_BOOT"
_CALLS = "@keyring bpf add_key keyctl"
_POWER_OFF = signal.SIGRTMIN + 4  # what systemd as PID 1 understands as "power off"


@dataclass(frozen=True)
class Plan:
    """What a node is started from."""

    layers: tuple[Path, ...]
    guest: Path
    guest_on_box: str
    public_key: str
    devices: tuple[str, ...]


def argv(names: Names, number: int, plan: Plan) -> list[str]:
    """Return systemd-nspawn's argument vector, inside the switch's namespace."""
    wires = [
        f"--network-veth-extra={outer}:{inner}" for outer, inner, _ in switch.node_wires(number)
    ]
    return enter(
        names.namespace("mgmt"),
        *["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit"],
        f"--directory={names.node(number)}/root",
        f"--machine={names.hostname(number)}",
        f"--hostname={names.hostname(number)}",
        f"--capability={_MORE}",
        f"--drop-capability={_LESS}",
        f"--system-call-filter={_CALLS}",
        *["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only"],
        *(f"--bind={device}" for device in plan.devices),
        f"--bind-ro={plan.guest}:{plan.guest_on_box}",
        *wires,
    )


def start(host: Host, names: Names, number: int, plan: Plan) -> None:
    """Start the node and plug it into the bridges; returns before it has finished starting."""
    folder = names.node(number)
    known = (folder / "upper").exists()
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    overlay = Overlay(plan.layers, folder / "upper", folder / "work")
    host.run(["mount", "-t", "overlay", "overlay", "-o", overlay.options(), str(folder / "root")])
    if not known:
        me = seed.Identity(new_id().replace("-", ""), new_id(), plan.public_key)
        seed.lay(folder / "root", seed.files(names, number, me, _disks()))
    groups = cgroups.make(names.cgroup(number))
    log = folder / "console.log"
    nspawn = processes.spawn(
        host, argv(names, number, plan), folder / "nspawn.pid", log=log, cgroups=groups
    )
    _wait_wires(host, names, number, nspawn, log)
    switch.attach(host, names, number)


def leader(names: Names, number: int) -> processes.Process | None:
    """Return the node's own PID 1: the member of its cgroup that is number 1 one namespace down."""
    for pid in sorted(cgroups.members(names.cgroup(number))):
        if _inner_ids(pid)[1:] == [1]:
            return processes.current(pid)
    return None


def stop(names: Names, numbers: Sequence[int], *, patience: float = 30.0) -> None:
    """Ask all these nodes to power off, wait, then kill their PID 1: the kernel ends the rest."""
    asked = {number: leader(names, number) for number in numbers}
    for one in asked.values():
        if one is not None:
            one.send(_POWER_OFF)
    deadline = monotonic() + patience
    for number, one in asked.items():
        if one is not None and not one.wait(max(0.0, deadline - monotonic())):
            one.send(signal.SIGKILL)
            one.wait(10)
        _end_rest(names, number)


def cut(names: Names, number: int) -> None:
    """Kill the node's PID 1: the kernel ends everything under it, as a power cut would."""
    held = leader(names, number)
    if held is not None:
        held.send(signal.SIGKILL)
        held.wait(10)
    _end_rest(names, number)


def discard(host: Host, names: Names, number: int) -> None:
    """Unmount the stopped node's root and remove its cgroups."""
    _wait_unwired(host, names, number)
    root = str(names.node(number) / "root")
    while root in mounts():
        host.run(["umount", root])
    cgroups.remove(names.cgroup(number))


def forget(names: Names, number: int) -> None:
    """Remove all files of a node that does not run; raises `Conflict` while it is mounted."""
    folder = names.node(number)
    if str(folder / "root") in mounts():
        raise Conflict(why=f"{folder} 仍在使用 is in use")
    shutil.rmtree(folder, ignore_errors=False)


def mounts() -> list[str]:
    """Return every mount point that this process sees."""
    rows = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    return [row.split()[4] for row in rows]


def _end_rest(names: Names, number: int) -> None:
    """The supervisor ends by itself once PID 1 is gone; what is left in the cgroup is ours."""
    nspawn = processes.noted(names.node(number) / "nspawn.pid")
    if nspawn is not None and not nspawn.wait(10):
        nspawn.send(signal.SIGKILL)
    for pid in cgroups.members(names.cgroup(number)):
        rest = processes.current(pid)
        if rest is not None and pid != os.getpid():
            rest.send(signal.SIGKILL)
            rest.wait(5)


def _wait_wires(
    host: Host, names: Names, number: int, nspawn: processes.Process, log: Path
) -> None:
    deadline = monotonic() + 20
    while not switch.wired(host, names, number):
        if not nspawn.alive() or monotonic() > deadline:
            raise NotStarted(what=names.hostname(number), why=processes.tail(log))
        pause(0.05)


def _wait_unwired(host: Host, names: Names, number: int) -> None:
    """The kernel takes the wires away a moment after the node; the next start needs their names."""
    deadline = monotonic() + 10
    while switch.wired(host, names, number) and monotonic() < deadline:
        pause(0.05)


def _inner_ids(pid: int) -> list[int]:
    """Process ids of `pid` from this namespace inwards."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    line = next((row for row in status.splitlines() if row.startswith("NSpid:")), "")
    return [int(part) for part in line.split()[1:]]


def _disks() -> list[str]:
    """This machine's block devices, which a node sees and must never touch."""
    return [f"/dev/{path.name}" for path in Path("/sys/class/block").iterdir()]

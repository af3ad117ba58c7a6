"""A lab from `up` to `down`: built, wired, started, reached, stopped, and proved gone."""

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import Conflict, NotFound, Text
from appliance.host import Host, LocalHost, write_atomically
from appliance.progress import Progress
from images import boot, build, cache, checkout, record
from images.build import Built
from images.lab import forward, leftovers, nodes, processes, switch
from images.lab import names as naming
from images.lab.leftovers import Leftovers
from images.lab.names import Names
from images.lab.ssh import LabNode

CONSOLE = 8443  # the console's port on every node
SCREENS = 8446  # the machines' consoles
PATIENT_TARGET = "10.88.0.10:8080"  # the first module VM of the extranet


class OtherLab(Conflict):
    """A lab of this name runs with another number of nodes."""

    code = "lab.other"
    text = Text(
        "实验环境 {lab} 已在运行，节点数为 {nodes}",
        "The lab {lab} already runs, with {nodes} node(s)",
    )
    hint = Text(
        "请先运行 hbox lab down，或换一个名称。", "Take it down first, or choose another name."
    )


@dataclass(frozen=True)
class Lab:
    """A running lab. `nodes` are ordered by number."""

    names: Names
    nodes: tuple[LabNode, ...]

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.names.lab

    def forward(self, port: int, namespace: str, target: str) -> None:
        """Let 127.0.0.1:`port` reach `target` ("addr:port") as seen in `mgmt`, `ext` or `int`."""
        forward.start(LocalHost(), self.names, port, self.names.namespace(namespace), target)

    def inside(self, namespace: str, *argv: str) -> list[str]:
        """Return `argv` to be run in the namespace `mgmt`, `ext` or `int` of this lab."""
        return naming.enter(self.names.namespace(namespace), *argv)

    def cut(self, number: int) -> None:
        """Cut a node's power: its PID 1 is killed, nothing is asked or flushed."""
        nodes.cut(self.names, number)
        _end_ssh(self.names, number)
        nodes.discard(LocalHost(), self.names, number)

    def start(self, number: int, *, patience: float = 180.0) -> None:
        """Start a node that was cut off, from the files it had, and wait until it is up."""
        plan = _plan(self.names)
        nodes.start(LocalHost(), self.names, number, plan)
        self.nodes[number].wait_ready(patience=patience)

    def renew(self, number: int, *, patience: float = 180.0) -> None:
        """Put a fresh machine in a node's place: no file of it is left, name and address are the same.

        The node that runs is cut off first. Machine id and SSH host keys are new.
        """
        self.cut(number)
        nodes.forget(self.names, number)
        self.start(number, patience=patience)

    def down(self) -> None:
        """Stop and remove everything of this lab; raises `Leftovers` if something stays."""
        down(self.name)


def up(
    name: str = "hbox",
    nodes: int = 1,
    *,
    console_port: int | None = CONSOLE,
    patient_port: int | None = None,
    progress: Progress | None = None,
    patience: float = 180.0,
) -> Lab:
    """Build what is missing, start the lab, wait until every node is up (`patience` seconds each).

    A lab of this name that already runs is returned as it is; the rests of an interrupted one go first.
    """
    names, host = naming.names(name), LocalHost()
    shown = progress or build.progress(cache.default())
    with _alone(names), build.plain_modes():
        running = _running(names)
        if running is not None:
            if len(running.nodes) != nodes:
                raise OtherLab(lab=name, nodes=len(running.nodes))
            _tell_if_stale(names)
            return running
        _clean(host, names)
        for port in (console_port, patient_port):
            if port is not None:
                forward.refuse_taken(port)
        built = build.everything(host, cache.default(), shown)
        lab = _start(host, names, nodes, built, shown)
        with shown.step("lab.ready", "等待节点就绪", "waiting for the nodes"):
            for node in lab.nodes:
                node.wait_ready(patience=patience)
        if console_port is not None:
            lab.forward(console_port, "mgmt", f"{lab.nodes[0].address}:{CONSOLE}")
            _screens(lab, console_port)
        if patient_port is not None:
            lab.forward(patient_port, "ext", PATIENT_TARGET)
    return lab


def _screens(lab: Lab, console_port: int) -> None:
    """Forward the machines' consoles as far from the console's port as they are on the node."""
    port = console_port + SCREENS - CONSOLE
    try:
        lab.forward(port, "mgmt", f"{lab.nodes[0].address}:{SCREENS}")
    except forward.PortTaken:
        told = f"端口 {port} 已被占用：浏览器中看不到虚拟机屏幕 / port {port} is taken: no screens in the browser\n"
        sys.stderr.write(told)


def find(name: str = "hbox") -> Lab:
    """Return the running lab `name`; raises `NotFound`."""
    running = _running(naming.names(name))
    if running is None:
        raise NotFound(what="实验环境 / lab", name=name)
    return running


def runs(name: str) -> bool:
    """Whether every node of the lab `name` runs."""
    return _running(naming.names(name)) is not None


def known() -> list[str]:
    """Return the names of all labs that have state on this machine, running or not."""
    top = naming.top()
    found = [path.name for path in top.iterdir() if path.is_dir()] if top.is_dir() else []
    return sorted(name for name in found if naming.is_name(name))


def down(name: str) -> None:
    """Stop and remove the lab `name` or what is left of it; harmless when there is nothing."""
    names = naming.names(name)
    with _alone(names):
        _clean(LocalHost(), names)


def _start(host: Host, names: Names, count: int, built: Built, shown: Progress) -> Lab:
    with shown.step("lab.start", "启动实验环境节点", "starting the lab's nodes"):
        names.folder.mkdir(parents=True, mode=0o700)
        key = _key(names)
        host.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", names.lab, "-f", str(key)])
        switch.make(host, names)
        _remember(
            names.folder / "plan.json", {"built": built.as_dict(), "devices": _devices(built)}
        )
        plan = _plan(names)
        for number in range(count):
            nodes.start(host, names, number, plan)
        _remember(names.folder / "lab.json", {"nodes": count})
    return _lab(names, count)


def _tell_if_stale(names: Names) -> None:
    """A running lab is never changed behind its user's back; say so when the sources moved on."""
    product = _plan(names).layers[0].parent
    if record.read(product).parts["source"] != checkout.digest():
        sys.stderr.write(
            f"实验环境 {names.lab} 运行的是修改前的构建 / the lab {names.lab} runs an older build: "
            f"hbox lab down --name {names.lab}\n"
        )


def _plan(names: Names) -> nodes.Plan:
    """What the nodes of this lab are started from, as it was when the lab came up."""
    held = json.loads((names.folder / "plan.json").read_text())
    built = Built.from_dict(held["built"])
    return nodes.Plan(
        layers=built.layers,
        guest=built.guest,
        guest_on_box=built.guest_on_box,
        public_key=_key(names).with_suffix(".pub").read_text().strip(),
        devices=tuple(held["devices"]),
    )


def _key(names: Names) -> Path:
    return names.folder / "id_ed25519"


def _devices(built: Built) -> tuple[str, ...]:
    """A node gets /dev/kvm only where KVM really works; without it libvirt falls back to TCG."""
    works = boot.kvm(cache.default().folder, built.guest)
    return ("/dev/net/tun", "/dev/kvm") if works else ("/dev/net/tun",)


def _clean(host: Host, names: Names) -> None:
    for note in forward.notes(names):
        forward.close(note)
    numbers = sorted(int(path.name[1:]) for path in names.folder.glob("n[0-9]*"))
    nodes.stop(names, numbers)
    for number in numbers:
        _end_ssh(names, number)
        nodes.discard(host, names, number)
    switch.remove(host, names)
    rest = [one for one in leftovers.find(names.lab) if one.kind != "folder"]
    if rest:
        raise Leftovers(lab=names.lab, what="; ".join(f"{r.kind} {r.what}" for r in rest))
    if names.folder.exists():
        shutil.rmtree(names.folder)


def _end_ssh(names: Names, number: int) -> None:
    """End the connections that `LabNode` opened: they alone carry the lab's key and this control path."""
    control = f"ControlPath={names.node(number)}/ssh"
    for pid, line in processes.command_lines():
        held = processes.current(pid)
        if held is not None and line[0] == "ssh" and str(_key(names)) in line and control in line:
            held.end()


def _remember(file: Path, state: dict[str, object]) -> None:
    write_atomically(file, json.dumps(state).encode())


def _running(names: Names) -> Lab | None:
    try:
        state = json.loads((names.folder / "lab.json").read_text())
    except (OSError, ValueError):
        return None
    count = int(state["nodes"])
    if any(nodes.leader(names, number) is None for number in range(count)):
        return None
    return _lab(names, count)


def _lab(names: Names, count: int) -> Lab:
    made = (LabNode(names, number, names.hostname(number)) for number in range(count))
    return Lab(names, tuple(made))


@contextmanager
def _alone(names: Names) -> Iterator[None]:
    """One `up` or `down` of one lab at a time."""
    names.top.mkdir(parents=True, exist_ok=True)
    path: Path = names.top / f".{names.lab}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""Loopback doors into the lab: systemd's own socket activation and proxy, one pair per port."""

import socket
from pathlib import Path

from appliance.clock import monotonic, pause
from appliance.errors import Conflict, Text, Unavailable
from appliance.host import Host
from images.lab import processes
from images.lab.names import Names, enter
from images.lab.processes import NotStarted

_PROXY = ("/usr/lib/systemd/systemd-socket-proxyd", "/lib/systemd/systemd-socket-proxyd")


class PortTaken(Conflict):
    """Another program listens on a port that the lab was to use."""

    code = "lab.port_taken"
    text = Text("本机端口 {port} 已被占用", "The port {port} of this machine is taken")
    hint = Text(
        "请用 ss -ltnp 查看占用者，或换一个端口（--console-port、--patient-port）。",
        "See by whom with `ss -ltnp`, or choose another (--console-port, --patient-port).",
    )


class NoProxy(Unavailable):
    """systemd's socket proxy is not installed."""

    code = "lab.no_proxy"
    text = Text("未安装 systemd-socket-proxyd", "systemd-socket-proxyd is not installed")
    hint = Text("请安装 systemd 软件包。", "Install the package systemd.")


def refuse_taken(port: int) -> None:
    """Raise `PortTaken` unless 127.0.0.1:`port` is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(port=port) from error


def free_port() -> int:
    """Return a loopback port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def argv(namespace: str, port: int, target: str, proxy: str) -> list[str]:
    """Return the program that listens on 127.0.0.1:`port` and speaks to `target` in `namespace`."""
    inner = enter(namespace, proxy, target)
    return ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", *inner]


def start(host: Host, names: Names, port: int, namespace: str, target: str) -> None:
    """Open the door; an existing one of this lab on the same port is closed first."""
    note = _note(names, port)
    close(note)
    refuse_taken(port)
    proxy = next((path for path in _PROXY if Path(path).exists()), None)
    if proxy is None:
        raise NoProxy
    log = names.folder / "forward.log"
    started = processes.spawn(host, argv(namespace, port, target, proxy), note, log=log)
    deadline = monotonic() + 5
    while not _listening(port):
        if not started.alive() or monotonic() > deadline:
            raise NotStarted(what=f"127.0.0.1:{port}", why=processes.tail(log))
        pause(0.02)


def close(note: Path) -> None:
    """End the door that `note` names."""
    held = processes.noted(note)
    if held is not None:
        held.end()
    note.unlink(missing_ok=True)


def notes(names: Names) -> list[Path]:
    """Return the notes of all doors of a lab."""
    return sorted(names.folder.glob("forward-*.pid"))


def _note(names: Names, port: int) -> Path:
    return names.folder / f"forward-{port}.pid"


def _listening(port: int) -> bool:
    # Looked up, not connected to: the first connection would start the proxy.
    wanted = f" 0100007F:{port:04X} 00000000:0000 0A "
    return wanted in Path("/proc/net/tcp").read_text()

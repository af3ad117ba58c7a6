"""How a console is opened: the machine's screen or serial line, held behind a Unix socket for one connection."""

import contextlib
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from appliance import clock
from appliance.errors import Text, Unavailable
from appliance.host import Host, LocalHost
from controller.actions.consoles import OpenConsole
from controller.drivers.base import Ability, Serial, need
from controller.jobs.log import tell
from controller.jobs.steps import Say, Step
from controller.records import vms
from controller.records.session import reading
from controller.workers.site import Site

FOLDER = "console"  # below the box's run folder
WAITS = 90.0  # seconds for the one connection: as long as a ticket is good, and somewhat more
_CHUNK = 65536
_RELAY = ("/usr/lib/hbox/venv/bin/python", "-I", "-m", "appliance.relay")


class ScreenAway(Unavailable):
    """The screen's socket on the node does not answer."""

    code = "console.screen_away"
    text = Text("无法连接虚拟机屏幕：{why}", "Cannot reach the machine's screen: {why}")
    hint = Text(
        "请稍后重试；若仍失败，请重启该虚拟机。", "Try again; if it stays, restart the machine."
    )


class Streams(Protocol):
    """A node that can be spoken with through a program's standard input and output."""

    def stream(self, argv: Sequence[str]) -> Serial:
        """Start `argv` there and return the line to it."""
        ...


class SocketLine:
    """A connected socket as a `Serial`."""

    def __init__(self, held: socket.socket) -> None:
        self._held = held

    def read(self, limit: int = _CHUNK) -> bytes:
        """See `Serial.read`."""
        try:
            return self._held.recv(limit)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        """See `Serial.write`."""
        self._held.sendall(data)

    def close(self) -> None:
        """See `Serial.close`."""
        with contextlib.suppress(OSError):
            self._held.shutdown(socket.SHUT_RDWR)
        self._held.close()


def open_console(action: OpenConsole, site: Site) -> Sequence[Step]:
    """Open the machine's end and wait beside the job for the one connection."""
    path = site.settings.run / FOLDER / f"{action.session_id}.sock"

    def run(say: Say) -> None:
        line = opened(site, action.vm_id, action.what)
        try:
            door = listening(path, site)
        except OSError:
            line.close()
            raise
        threading.Thread(
            target=hold, args=(door, path, line), name=f"console-{action.session_id}", daemon=True
        ).start()
        site.report(session=action.session_id)
        say(f"已打开，{WAITS:.0f} 秒内有效 opened, waits that long for its one connection")

    def shut(_say: Say) -> None:
        path.unlink(missing_ok=True)

    title = {"serial": Text("打开串口", "Open the serial line")}
    return [Step("open", title.get(action.what, Text("打开屏幕", "Open the screen")), run, shut)]


def opened(site: Site, vm_id: str, what: str) -> Serial:
    """Return the line to the machine's screen or serial port, on whichever node it runs."""
    with reading(site.engine) as session:
        node = vms.get(session, vm_id).node
    drivers = site.node(node)
    need(drivers.hypervisor, Ability.SCREEN)
    if what == "serial":
        return drivers.hypervisor.serial(vm_id)
    return _screen(drivers.host, drivers.hypervisor.screen(vm_id))


def listening(path: Path, site: Site) -> socket.socket:
    """Return the socket that the console process connects to: for root and the group hbox alone."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH)
    try:
        # Through the folder's descriptor: a socket's path may have 107 bytes only.
        door.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
    # The records' folder belongs to the group that the console process is in.
    gid = (site.settings.state / "db").stat().st_gid
    for made, mode in ((path.parent, 0o750), (path, 0o660)):
        os.chown(made, -1, gid)
        made.chmod(mode)
    door.listen(1)
    return door


def hold(door: socket.socket, path: Path, line: Serial) -> None:
    """Wait for the one connection, then carry bytes both ways until either end is over."""
    door.settimeout(WAITS)
    try:
        viewer, _ = door.accept()
    except OSError:
        line.close()
        return
    finally:
        door.close()
        path.unlink(missing_ok=True)
    viewer.settimeout(None)
    inward = threading.Thread(target=_inward, args=(viewer, line), name="console-in", daemon=True)
    inward.start()
    try:
        while data := line.read(_CHUNK):
            viewer.sendall(data)
    except Exception as error:  # noqa: BLE001 - engines break in their own ways; the line is over
        tell(f"console: {type(error).__name__}: {error}")
    finally:
        SocketLine(viewer).close()
        line.close()


def sweep(site: Site) -> None:
    """Remove the sockets that an earlier worker left behind."""
    folder = site.settings.run / FOLDER
    oldest = clock.now().timestamp() - WAITS - 30
    for path in folder.glob("*.sock") if folder.is_dir() else ():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def _inward(viewer: socket.socket, line: Serial) -> None:
    try:
        while data := viewer.recv(_CHUNK):
            line.write(data)
    except Exception as error:  # noqa: BLE001 - as above
        tell(f"console: {type(error).__name__}: {error}")
    finally:
        line.close()


def _screen(host: Host, path: str) -> Serial:
    if not isinstance(host, LocalHost):
        there: Streams = host  # type: ignore[assignment]  # what a remote node's host can do besides
        return there.stream([*_RELAY, path])
    held = socket.socket(socket.AF_UNIX)
    try:
        held.connect(path)
    except OSError as error:
        held.close()
        raise ScreenAway(why=error.strerror or type(error).__name__) from error
    return SocketLine(held)

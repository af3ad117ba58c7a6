"""The screen and the serial lines of VMs under libvirt."""

import threading
from typing import Any
from weakref import WeakValueDictionary

from appliance import clock
from appliance.errors import Unavailable
from controller.drivers.base import EngineFailed
from controller.drivers.kvm_link import LibvirtLink, library, translated
from controller.drivers.kvm_power import running
from controller.drivers.kvm_seen import vnc_socket

_NOTHING_YET = -2  # what a stream that does not wait says instead of bytes
_SOON, _LATE = 0.005, 0.04  # seconds between two looks: just after a word, and when all is still
_ALIVE = 1.0  # seconds between two looks whether the engine is there


def screen(link: LibvirtLink, vm_id: str) -> str:
    """Path of the VNC socket on the node."""
    running(link, vm_id)
    path = link.domain("find the screen", vm_id, lambda domain: vnc_socket(domain.XMLDesc(0)))
    if not path:
        raise EngineFailed(what="show the screen", why="the VM has none")
    return path


class SerialLines:
    """The serial lines of one node that this process has open: at most one of a VM."""

    def __init__(self, link: LibvirtLink) -> None:
        self._link = link
        self._open: WeakValueDictionary[str, StreamSerial] = WeakValueDictionary()
        self._lock = threading.Lock()

    def take(self, vm_id: str) -> "StreamSerial":
        """Open the serial line, on a connection of its own; whoever had it has it no more.

        An earlier line of this process is ended here: libvirt tells a reader whose line was taken
        nothing while bytes are on their way to it (seen with 11.3), and it would wait for ever.
        """
        running(self._link, vm_id)
        with self._lock:
            if earlier := self._open.pop(vm_id, None):
                earlier.close()
            made = self._open[vm_id] = _opened(self._link, vm_id)
        return made


def _opened(link: LibvirtLink, vm_id: str) -> "StreamSerial":
    connection = link.fresh()
    try:
        domain = connection.lookupByUUIDString(vm_id)
        stream = connection.newStream(library().VIR_STREAM_NONBLOCK)
        domain.openConsole(None, stream, library().VIR_DOMAIN_CONSOLE_FORCE)
    except library().libvirtError as error:
        connection.close()
        raise translated(error, "open the serial line", vm_id) from error
    return StreamSerial(connection, stream)


class StreamSerial:
    """A libvirt stream as a serial line; implements `Serial`.

    The stream is never waited on and never aborted: both have no end when the engine has forgotten
    the stream. Whoever reads looks again and again; closing closes the connection.
    """

    def __init__(self, connection: Any, stream: Any) -> None:
        self._connection = connection
        self._stream = stream
        self._lock = threading.Lock()
        self._stirred = threading.Event()

    def read(self, limit: int = 65536) -> bytes:
        """See `Serial.read`. A line that broke has ended."""
        pause, looked = _SOON, clock.monotonic()
        while (said := self._look(limit)) is None:
            if self._stirred.wait(pause):
                self._stirred.clear()
                pause = _SOON
            pause = min(2 * pause, _LATE)
            if clock.monotonic() - looked > _ALIVE:
                looked = clock.monotonic()
                if not self._alive():
                    return b""
        return said

    def write(self, data: bytes) -> None:
        """See `Serial.write`; raises `Unavailable` when the line has ended."""
        rest = data
        while rest:
            if (sent := self._send(rest)) == _NOTHING_YET:
                clock.pause(_SOON)
                continue
            rest = rest[sent:]
        self._stirred.set()

    def close(self) -> None:
        """See `Serial.close`; whoever waits in `read` is let go."""
        with self._lock:
            if self._stream is None:
                return
            self._stream = None  # its last reference: the connection has no other
            self._connection.close()
        self._stirred.set()

    def _look(self, limit: int) -> bytes | None:
        """What is there: bytes, none when the line has ended, None when the guest says nothing."""
        with self._lock:
            if self._stream is None:
                return b""
            try:
                said = self._stream.recv(limit)
            except library().libvirtError:
                return b""
        return None if said == _NOTHING_YET else bytes(said)

    def _send(self, data: bytes) -> int:
        with self._lock:
            if self._stream is None:
                raise Unavailable(what="串口 serial line", why="已关闭 it is closed")
            try:
                return int(self._stream.send(data))
            except library().libvirtError as error:
                raise Unavailable(what="串口 serial line", why=str(error)) from error

    def _alive(self) -> bool:
        with self._lock:
            return self._stream is not None and bool(self._connection.isAlive())

"""The screen and the serial line of a VM under libvirt."""

from typing import Any

from appliance.errors import Unavailable
from controller.drivers.base import EngineFailed
from controller.drivers.kvm_link import LibvirtLink, library, translated
from controller.drivers.kvm_power import running
from controller.drivers.kvm_seen import vnc_socket


def screen(link: LibvirtLink, vm_id: str) -> str:
    """Path of the VNC socket on the node."""
    running(link, vm_id)
    path = link.domain("find the screen", vm_id, lambda domain: vnc_socket(domain.XMLDesc(0)))
    if not path:
        raise EngineFailed(what="show the screen", why="the VM has none")
    return path


def serial(link: LibvirtLink, vm_id: str) -> "StreamSerial":
    """Open the serial line, on a connection of its own: whoever reads it waits."""
    running(link, vm_id)
    connection = link.fresh()
    try:
        domain = connection.lookupByUUIDString(vm_id)
        stream = connection.newStream(0)
        domain.openConsole(None, stream, library().VIR_DOMAIN_CONSOLE_FORCE)
    except library().libvirtError as error:
        connection.close()
        raise translated(error, "open the serial line", vm_id) from error
    return StreamSerial(connection, stream)


class StreamSerial:
    """A libvirt stream as a serial line; implements `Serial`."""

    def __init__(self, connection: Any, stream: Any) -> None:
        self._connection = connection
        self._stream = stream

    def read(self, limit: int = 65536) -> bytes:
        """See `Serial.read`. A line that broke has ended."""
        try:
            said: bytes = self._stream.recv(limit)
        except library().libvirtError:
            return b""
        return said

    def write(self, data: bytes) -> None:
        """See `Serial.write`; raises `Unavailable` when the line has ended."""
        rest = data
        try:
            while rest:
                rest = rest[self._stream.send(rest) :]
        except library().libvirtError as error:
            raise Unavailable(what="串口 serial line", why=str(error)) from error

    def close(self) -> None:
        """See `Serial.close`; whoever waits in `read` is let go."""
        try:
            self._stream.abort()
        except library().libvirtError:
            return  # it had ended
        finally:
            self._connection.close()

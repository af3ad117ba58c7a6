"""The one way to libvirt: a connection that is opened when needed, and again when it died."""

import contextlib
import functools
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from appliance import clock
from appliance.errors import BoxError
from controller.drivers.base import (
    AgentSilent,
    EngineFailed,
    EngineUnavailable,
    NoSuchVm,
    NotRunning,
)

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds during which a restarting libvirtd is waited for."""

_TLS_PORT = 16514
_KNOCK = 3.0  # seconds for a node to take a TCP connection; libvirt itself would wait two minutes


class LibvirtLink:
    """One connection to libvirt at `uri`, shared by all threads."""

    def __init__(self, uri: str, patience: float = PATIENCE) -> None:
        self.uri = uri
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: Any = None
        self._lost: float | None = None

    def ask(self, what: str, vm: str, work: Callable[[Any], T]) -> T:
        """Run `work` on a live connection. It must be idempotent: it is repeated after a restart.

        Raises `EngineUnavailable` when the engine has been away for `patience` seconds. Whoever asks
        later than that is told at once: a node that is away holds nobody up.
        """
        while True:
            try:
                answer = self._once(what, vm, work)
            except EngineUnavailable:
                now = clock.monotonic()
                self._lost = self._lost or now
                if now - self._lost > self._patience:
                    raise
                clock.pause(0.5)
            except BoxError:
                self._lost = None  # it said no: it is there
                raise
            else:
                self._lost = None
                return answer

    def domain(self, what: str, vm: str, work: Callable[[Any], T]) -> T:
        """Run `work` on the domain with the UUID `vm`; raises `NoSuchVm`."""
        return self.ask(what, vm, lambda connection: work(connection.lookupByUUIDString(vm)))

    def fresh(self) -> Any:
        """Return a connection of its own, for whoever must wait on it; the caller closes it."""
        try:
            return self._new()
        except library().libvirtError as error:
            raise translated(error, "open a connection", "*") from error

    def _once(self, what: str, vm: str, work: Callable[[Any], T]) -> T:
        connection = None
        try:
            connection = self._open()
            return work(connection)
        except library().libvirtError as error:
            known = translated(error, what, vm)
            if isinstance(known, EngineUnavailable):
                self._forget(connection)
            raise known from error

    def _open(self) -> Any:
        with self._lock:
            if self._connection is None or not self._connection.isAlive():
                self._connection = self._new()
            return self._connection

    def _new(self) -> Any:
        _events()
        _knock(self.uri)
        connection = library().open(self.uri)
        # A dead peer is noticed after 5 s x 3; the local test driver knows no keepalive.
        if self.uri.startswith("qemu"):
            connection.setKeepAlive(5, 3)
        return connection

    def _forget(self, connection: Any) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None


def until(condition: Callable[[], bool], limit: float, beat: float = 0.5) -> bool:
    """Wait until `condition` holds; False after `limit` seconds. `beat` seconds between two looks."""
    deadline = clock.monotonic() + limit
    while not condition():
        if clock.monotonic() > deadline:
            return False
        clock.pause(beat)
    return True


@functools.cache
def library() -> Any:
    """Return libvirt's binding."""
    # Late: on a developer's machine the binding may be missing, and only a node needs it.
    import libvirt  # noqa: PLC0415 - see above

    # libvirt otherwise prints every error to stderr, also those that are answers here.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    return libvirt


@functools.cache
def qemu_library() -> Any:
    """Return the binding for what only QEMU has: the guest agent and the monitor."""
    import libvirt_qemu  # noqa: PLC0415 - as above

    return libvirt_qemu


def translated(error: Any, what: str, vm: str) -> BoxError:
    """Return our error for one of libvirt's; `what` was asked of the VM `vm`."""
    known = library()
    code = error.get_error_code()
    why = str(error)
    if code == known.VIR_ERR_NO_DOMAIN:
        return NoSuchVm(name=vm)
    if connection_lost(error):
        return EngineUnavailable(why=why)
    if code in {known.VIR_ERR_AGENT_UNRESPONSIVE, known.VIR_ERR_AGENT_UNSYNCED}:
        return AgentSilent(name=vm, why=why)
    if code == known.VIR_ERR_OPERATION_INVALID and "not running" in why:
        return NotRunning(name=vm)
    return EngineFailed(what=what, why=why)


def connection_lost(error: Any) -> bool:
    """Whether the engine itself is away, whatever was asked of it."""
    known = library()
    code = error.get_error_code()
    if code in {known.VIR_ERR_NO_CONNECT, known.VIR_ERR_INVALID_CONN}:
        return True
    # libvirtd killed: "client socket is closed", "Cannot recv data", "Failed to connect socket".
    return error.get_error_domain() in {known.VIR_FROM_RPC, known.VIR_FROM_REMOTE} and (
        code in {known.VIR_ERR_INTERNAL_ERROR, known.VIR_ERR_SYSTEM_ERROR, known.VIR_ERR_RPC}
    )


@functools.cache
def _events() -> threading.Thread:
    """Register and run libvirt's event loop; without it keepalive kills healthy connections."""
    known = library()
    known.virEventRegisterDefaultImpl()

    def loop() -> None:
        while True:
            # An error of one turn must not end the loop: no connection would be kept alive any more.
            with contextlib.suppress(known.libvirtError):
                known.virEventRunDefaultImpl()

    thread = threading.Thread(target=loop, name="libvirt-events", daemon=True)
    thread.start()
    return thread


def _knock(uri: str) -> None:
    parts = urlsplit(uri)
    if not parts.scheme.endswith("+tls") or not parts.hostname:
        return
    try:
        door = (parts.hostname, parts.port or _TLS_PORT)
        socket.create_connection(door, timeout=_KNOCK).close()
    except OSError as error:
        raise EngineUnavailable(why=f"{parts.hostname}: {error}") from error

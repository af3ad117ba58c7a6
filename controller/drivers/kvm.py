"""Virtual machines through libvirt and QEMU: the only module that speaks to libvirt."""

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, fromstring

from appliance import clock
from appliance.errors import BoxError
from controller.drivers import guest
from controller.drivers.base import (
    Ability,
    AgentSilent,
    Disk,
    EngineFailed,
    EngineUnavailable,
    GuestResult,
    NoSuchVm,
    NotRunning,
    Power,
    VmSpec,
)
from controller.drivers.domain_xml import disk_xml, domain_xml, target_name

T = TypeVar("T")
_REOPEN = 30.0  # seconds during which a restarting libvirtd is waited for
_UNPLUG = 90.0  # seconds a translated (TCG) guest may take to let a disk go
_ASK_AGAIN = 15.0  # an unplug request that a booting guest missed is repeated after this


class KvmDriver:
    """One node's libvirt. Reconnects by itself when libvirtd was restarted."""

    name = "kvm"
    abilities = frozenset({Ability.AGENT, Ability.HOTPLUG})

    def __init__(self, uri: str = "qemu:///system", *, kind: str = "") -> None:
        self._kind = kind
        self._link = _Link(uri)

    def define(self, spec: VmSpec) -> None:
        """See `HypervisorDriver.define`."""
        text = domain_xml(spec, kind=self._kind)
        self._link.ask("define", spec.id, lambda connection: connection.defineXML(text))

    def undefine(self, vm_id: str) -> None:
        """See `HypervisorDriver.undefine`."""

        def work(connection: Any) -> None:
            domain = connection.lookupByUUIDString(vm_id)
            if domain.isActive():
                domain.destroy()
            domain.undefine()

        try:
            self._link.ask("undefine", vm_id, work)
        except NoSuchVm:
            return

    def start(self, vm_id: str) -> None:
        """See `HypervisorDriver.start`."""

        def work(connection: Any) -> None:
            domain = connection.lookupByUUIDString(vm_id)
            if not domain.isActive():
                domain.create()
            domain.setAutostart(1)  # a node that lost its power brings back what ran

        self._link.ask("start", vm_id, work)

    def stop(self, vm_id: str, *, force: bool = False, patience: float = 90.0) -> None:
        """See `HypervisorDriver.stop`."""
        if self.state(vm_id) is Power.ABSENT:
            return
        self._link.ask("keep off", vm_id, _keep_off(vm_id))
        if self.state(vm_id) is Power.STOPPED:
            return
        if not force:
            self._link.ask("shut down", vm_id, _shut_down(vm_id))
            if _until(lambda: self.state(vm_id) is not Power.RUNNING, patience):
                return
        self._link.ask("power off", vm_id, _power_off(vm_id))

    def state(self, vm_id: str) -> Power:
        """See `HypervisorDriver.state`."""

        def work(connection: Any) -> Power:
            return _power(connection.lookupByUUIDString(vm_id))

        try:
            return self._link.ask("look up", vm_id, work)
        except NoSuchVm:
            return Power.ABSENT

    def states(self) -> Mapping[str, Power]:
        """See `HypervisorDriver.states`."""

        def work(connection: Any) -> dict[str, Power]:
            return {domain.UUIDString(): _power(domain) for domain in connection.listAllDomains(0)}

        return self._link.ask("list", "*", work)

    def attach(self, vm_id: str, disk: Disk, *, keep: bool = False) -> None:
        """See `HypervisorDriver.attach`."""
        del keep

        def work(connection: Any) -> None:
            domain = connection.lookupByUUIDString(vm_id)
            present = _disks(domain)
            if any(element.findtext("serial") == disk.serial for element in present):
                return
            taken = {target.get("dev") for e in present if (target := e.find("target")) is not None}
            free = next(name for name in map(target_name, range(26)) if name not in taken)
            domain.attachDeviceFlags(disk_xml(disk, free), _library().VIR_DOMAIN_AFFECT_LIVE)

        self._link.ask("attach a disk", vm_id, work)

    def detach(self, vm_id: str, serial: str) -> None:
        """See `HypervisorDriver.detach`."""
        if self.state(vm_id) is not Power.RUNNING:
            return

        def gone() -> bool:
            return not self._link.ask("look up", vm_id, _has_disk(vm_id, serial))

        deadline = clock.monotonic() + _UNPLUG
        while not gone():
            if clock.monotonic() > deadline:
                raise EngineFailed(what="detach a disk", why=f"the guest keeps {serial}")
            self._link.ask("detach a disk", vm_id, _unplug(vm_id, serial))
            _until(gone, _ASK_AGAIN)

    def ping(self, vm_id: str) -> bool:
        """See `HypervisorDriver.ping`."""
        return guest.ping(functools.partial(self._agent, vm_id))

    def run(
        self, vm_id: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0
    ) -> GuestResult:
        """See `HypervisorDriver.run`."""
        return guest.run(functools.partial(self._agent, vm_id), argv, stdin=stdin, timeout=timeout)

    def _agent(self, vm_id: str, command: str, wait: int) -> str:
        def work(connection: Any) -> str:
            domain = connection.lookupByUUIDString(vm_id)
            answer: str = _agent_library().qemuAgentCommand(domain, command, wait, 0)
            return answer

        return self._link.ask("ask the agent", vm_id, work)


class _Link:
    """One connection to libvirt, opened when needed and opened again when it died."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._lock = threading.Lock()
        self._connection: Any = None

    def ask(self, what: str, vm: str, work: Callable[[Any], T]) -> T:
        """Run `work` on a live connection. It must be idempotent: it is repeated after a restart."""
        deadline = clock.monotonic() + _REOPEN
        while True:
            try:
                return self._once(what, vm, work)
            except EngineUnavailable:
                if clock.monotonic() > deadline:
                    raise
                clock.pause(0.5)

    def _once(self, what: str, vm: str, work: Callable[[Any], T]) -> T:
        library = _library()
        connection = None
        try:
            connection = self._open()
            return work(connection)
        except library.libvirtError as error:
            known = _translated(error, what, vm)
            if isinstance(known, EngineUnavailable):
                self._forget(connection)
            raise known from error

    def _open(self) -> Any:
        with self._lock:
            if self._connection is None or not self._connection.isAlive():
                _events()
                self._connection = _library().open(self._uri)
                # A dead peer is noticed after 5 s x 3; the local test driver knows no keepalive.
                if self._uri.startswith("qemu"):
                    self._connection.setKeepAlive(5, 3)
            return self._connection

    def _forget(self, connection: Any) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None


@functools.cache
def _library() -> Any:
    # Late: on a developer's machine the binding may be missing, and only a node needs it.
    import libvirt  # noqa: PLC0415 - see above

    # libvirt otherwise prints every error to stderr, also those that are answers here.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    return libvirt


@functools.cache
def _agent_library() -> Any:
    import libvirt_qemu  # noqa: PLC0415 - as above

    return libvirt_qemu


@functools.cache
def _events() -> threading.Thread:
    """Register and run libvirt's event loop; without it keepalive kills healthy connections."""
    library = _library()
    library.virEventRegisterDefaultImpl()

    def loop() -> None:
        while True:
            library.virEventRunDefaultImpl()

    thread = threading.Thread(target=loop, name="libvirt-events", daemon=True)
    thread.start()
    return thread


def _translated(error: Any, what: str, vm: str) -> BoxError:
    library = _library()
    code = error.get_error_code()
    why = str(error)
    if code == library.VIR_ERR_NO_DOMAIN:
        return NoSuchVm(name=vm)
    if _connection_lost(error):
        return EngineUnavailable(why=why)
    if code in {library.VIR_ERR_AGENT_UNRESPONSIVE, library.VIR_ERR_AGENT_UNSYNCED}:
        return AgentSilent(name=vm, why=why)
    if code == library.VIR_ERR_OPERATION_INVALID and "not running" in why:
        return NotRunning(name=vm)
    return EngineFailed(what=what, why=why)


def _connection_lost(error: Any) -> bool:
    library = _library()
    if error.get_error_code() in {library.VIR_ERR_NO_CONNECT, library.VIR_ERR_INVALID_CONN}:
        return True
    # libvirtd killed: "client socket is closed", "Cannot recv data", "Failed to connect socket".
    return error.get_error_domain() in {library.VIR_FROM_RPC, library.VIR_FROM_REMOTE} and (
        error.get_error_code()
        in {library.VIR_ERR_INTERNAL_ERROR, library.VIR_ERR_SYSTEM_ERROR, library.VIR_ERR_RPC}
    )


def _power(domain: Any) -> Power:
    return Power.RUNNING if domain.isActive() else Power.STOPPED


def _disks(domain: Any) -> list[Element]:
    # libvirt's own output of this node, not foreign input.
    return fromstring(domain.XMLDesc(0)).findall("devices/disk")  # noqa: S314 - see above


def _has_disk(vm_id: str, serial: str) -> Callable[[Any], bool]:
    def work(connection: Any) -> bool:
        present = _disks(connection.lookupByUUIDString(vm_id))
        return any(element.findtext("serial") == serial for element in present)

    return work


def _unplug(vm_id: str, serial: str) -> Callable[[Any], None]:
    def work(connection: Any) -> None:
        domain = connection.lookupByUUIDString(vm_id)
        for element in _disks(domain):
            target = element.find("target")
            if element.findtext("serial") == serial and target is not None:
                domain.detachDeviceAlias(_alias(element), _library().VIR_DOMAIN_AFFECT_LIVE)

    return work


def _alias(element: Element) -> str:
    alias = element.find("alias")
    return alias.get("name", "") if alias is not None else ""


def _shut_down(vm_id: str) -> Callable[[Any], None]:
    def work(connection: Any) -> None:
        library = _library()
        domain = connection.lookupByUUIDString(vm_id)
        if not domain.isActive():
            return
        try:
            domain.shutdownFlags(library.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
        except library.libvirtError as error:
            if _connection_lost(error):
                raise
            domain.shutdown()  # no agent: the power button (ACPI)

    return work


def _keep_off(vm_id: str) -> Callable[[Any], None]:
    def work(connection: Any) -> None:
        connection.lookupByUUIDString(vm_id).setAutostart(0)

    return work


def _power_off(vm_id: str) -> Callable[[Any], None]:
    def work(connection: Any) -> None:
        domain = connection.lookupByUUIDString(vm_id)
        if domain.isActive():
            domain.destroy()

    return work


def _until(condition: Callable[[], bool], limit: float) -> bool:
    deadline = clock.monotonic() + limit
    while not condition():
        if clock.monotonic() > deadline:
            return False
        clock.pause(0.5)
    return True

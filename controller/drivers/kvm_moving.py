"""Live migration under libvirt: from node to node directly, encrypted, going on without this process.

The source's libvirtd speaks to the target's (peer to peer), so the controller may die meanwhile. QEMU's
own stream is encrypted with TLS by the certificates in the nodes' `migrate_tls_x509_cert_dir`, not
tunnelled through libvirt, which would copy every page twice more.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from appliance import clock
from appliance.errors import BoxError
from controller.drivers.base import EngineFailed, Moved, NoSuchVm, NotRunning, Power, Target
from controller.drivers.kvm_link import (
    LibvirtLink,
    connection_lost,
    library,
    qemu_library,
    until,
)
from controller.drivers.kvm_power import running, state

AT_ONCE = 2
"""How many VMs leave one node at the same time: with more they slow each other until none converges."""
_FORGETS = 20.0  # seconds
_BEAT = 0.25  # seconds between two looks at a migration


@dataclass
class Watch:
    """What is learned of one migration while it runs."""

    began: float
    figures: dict[str, Any] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)
    encrypted: bool = False
    part: float = 0.0

    def moved(self) -> Moved:
        """Return what it cost, as far as it was learned."""
        facts = self.final or self.figures
        spent = round((clock.monotonic() - self.began) * 1000)
        return Moved(
            total_ms=int(facts.get("time_elapsed", spent)),
            downtime_ms=int(facts.get("downtime", 0)),
            sent_mib=int(facts.get("data_processed", 0)) // 1024**2,
            encrypted=self.encrypted,
        )


class Mover:
    """Migrations away from one node."""

    def __init__(self, link: LibvirtLink) -> None:
        self._link = link
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def migrate(self, vm_id: str, target: Target, tell: Callable[[float], None]) -> Moved:
        """See `HypervisorDriver.migrate`."""
        with self._room:
            running(self._link, vm_id)
            watch = Watch(clock.monotonic())
            forget = self._listen(vm_id, watch)
            try:
                if self._runs(vm_id):
                    self._wait(vm_id, watch, tell)
                if self._is_here(vm_id):
                    self._move(vm_id, target, watch, tell)
                self._gone(vm_id)
            finally:
                forget()
            tell(1.0)
            return watch.moved()

    def cancel(self, vm_id: str) -> None:
        """See `HypervisorDriver.cancel_migration`."""

        def work(domain: Any) -> None:
            if _is_migration(domain):
                domain.abortJob()

        try:
            self._link.domain("cancel a migration", vm_id, work)
        except (NoSuchVm, NotRunning):
            return

    def _move(
        self, vm_id: str, target: Target, watch: Watch, tell: Callable[[float], None]
    ) -> None:
        # libvirt's call returns when all is over: it runs in a thread, and this one looks and tells.
        failed: list[BoxError] = []

        def call() -> None:
            try:
                self._link.domain("migrate", vm_id, lambda domain: _depart(domain, target))
            except BoxError as error:
                failed.append(error)

        thread = threading.Thread(target=call, name=f"migrate-{vm_id}", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_BEAT)
            self._look(vm_id, watch, tell)
        # A connection that broke is asked again, and then finds that the VM has gone.
        if failed and not (isinstance(failed[0], NoSuchVm) and watch.final):
            raise failed[0]

    def _wait(self, vm_id: str, watch: Watch, tell: Callable[[float], None]) -> None:
        while self._runs(vm_id):
            clock.pause(_BEAT)
            self._look(vm_id, watch, tell)

    def _look(self, vm_id: str, watch: Watch, tell: Callable[[float], None]) -> None:
        def work(domain: Any) -> None:
            figures = domain.jobStats()
            if figures.get("operation") == library().VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT:
                watch.figures = figures
                # Asked until it is so: libvirt sets it shortly after the job has begun.
                watch.encrypted = watch.encrypted or _is_encrypted(domain)

        try:
            self._link.domain("look at a migration", vm_id, work)
        except (NoSuchVm, NotRunning, EngineFailed):
            return  # it has just gone
        watch.part = max(watch.part, part_of(watch.figures))
        tell(watch.part)

    def _runs(self, vm_id: str) -> bool:
        try:
            return self._link.domain("look at a migration", vm_id, _is_migration)
        except (NoSuchVm, NotRunning):
            return False

    def _is_here(self, vm_id: str) -> bool:
        try:
            return bool(self._link.domain("look up", vm_id, lambda domain: domain.isActive()))
        except NoSuchVm:
            return False

    def _gone(self, vm_id: str) -> None:
        # The source forgets it a moment after the job has ended.
        if not until(lambda: state(self._link, vm_id) is Power.ABSENT, _FORGETS, _BEAT):
            raise EngineFailed(what="migrate", why="the VM went off and is still defined here")

    def _listen(self, vm_id: str, watch: Watch) -> Callable[[], None]:
        """Take down what the engine says at the end: afterwards it knows the VM no more."""

        def heard(_connection: Any, domain: Any, figures: dict[str, Any], _opaque: Any) -> None:
            if domain.UUIDString() == vm_id:
                watch.final = dict(figures)

        def work(connection: Any) -> tuple[Any, int]:
            event = library().VIR_DOMAIN_EVENT_ID_JOB_COMPLETED
            return connection, connection.domainEventRegisterAny(None, event, heard, None)

        connection, number = self._link.ask("listen", vm_id, work)

        def forget() -> None:
            try:
                connection.domainEventDeregisterAny(number)
            except library().libvirtError:
                return  # the connection is dead, and the callback with it

        return forget


def part_of(figures: dict[str, Any]) -> float:
    """Return how far a migration has come, by libvirt's figures, in bytes: 0.0 to 1.0."""
    total, left = int(figures.get("data_total", 0)), int(figures.get("data_remaining", 0))
    if total <= 0:
        return 0.0
    return min(1.0, max(0.0, 1 - left / total))


def _depart(domain: Any, target: Target) -> None:
    known = library()
    if _is_migration(domain):
        raise EngineFailed(what="migrate", why="a migration of this VM runs already")
    flags = (
        known.VIR_MIGRATE_LIVE
        | known.VIR_MIGRATE_PEER2PEER
        | known.VIR_MIGRATE_TLS
        | known.VIR_MIGRATE_PERSIST_DEST
        | known.VIR_MIGRATE_UNDEFINE_SOURCE
        # A guest that writes faster than the network carries is slowed down until it converges.
        | known.VIR_MIGRATE_AUTO_CONVERGE
        # A disk that fails meanwhile ends the migration; the VM stays here, paused.
        | known.VIR_MIGRATE_ABORT_ON_ERROR
    )
    where = {known.VIR_MIGRATE_PARAM_URI: f"tcp://{_bracketed(target.address)}"}
    try:
        domain.migrateToURI3(target.uri, where, flags)
    except known.libvirtError as error:
        if connection_lost(error) and _answers(domain):
            # Said by this side of the other: asked again it would be said again, for ever.
            raise EngineFailed(what="migrate", why=str(error)) from error
        raise


def _answers(domain: Any) -> bool:
    """Whether the libvirtd that carries this machine is there."""
    try:
        domain.connect().getLibVersion()
    except library().libvirtError:
        return False
    return True


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _is_migration(domain: Any) -> bool:
    known = library()
    figures = domain.jobStats()
    return bool(
        figures.get("type", known.VIR_DOMAIN_JOB_NONE) != known.VIR_DOMAIN_JOB_NONE
        and figures.get("operation") == known.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT
    )


def _is_encrypted(domain: Any) -> bool:
    # QEMU's own word, not our wish: which credentials its migration stream uses.
    said = qemu_library().qemuMonitorCommand(domain, '{"execute":"query-migrate-parameters"}', 0)
    return bool(json.loads(said)["return"].get("tls-creds"))

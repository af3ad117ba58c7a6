"""Power of VMs under libvirt: on, off, paused, reset, and what is really there."""

from collections.abc import Callable, Mapping
from typing import Any

from controller.drivers.base import AgentSilent, EngineFailed, NoSuchVm, NotRunning, Power
from controller.drivers.kvm_link import LibvirtLink, connection_lost, library, until

_FREEZE = 20  # seconds a guest may take to bring its file systems to rest
_NOBODY = "not connected"  # libvirt's words when no agent runs in the guest
_ASK_AGAIN = 15.0  # seconds; a guest that is still booting misses the power button


def define(link: LibvirtLink, vm_id: str, text: str) -> None:
    """Make the VM known from its XML."""
    link.ask("define", vm_id, lambda connection: connection.defineXML(text))


def undefine(link: LibvirtLink, vm_id: str) -> None:
    """Power it off and forget it, with whatever somebody attached to its definition by hand."""

    def work(domain: Any) -> None:
        known = library()
        _destroy(domain)
        flags = (
            known.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | known.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        )
        if domain.connect().getType() == "QEMU":  # libvirt's test driver knows only the two above
            flags |= known.VIR_DOMAIN_UNDEFINE_NVRAM
            flags |= known.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        domain.undefineFlags(flags)

    try:
        link.domain("undefine", vm_id, work)
    except NoSuchVm:
        return


def start(link: LibvirtLink, vm_id: str) -> None:
    """Power on, also whenever the node comes up."""

    def work(domain: Any) -> None:
        if not domain.isActive():
            domain.create()
        domain.setAutostart(1)  # a node that lost its power brings back what ran

    link.domain("start", vm_id, work)


def stop(link: LibvirtLink, vm_id: str, *, force: bool, patience: float) -> None:
    """Shut down or cut the power; it stays off."""
    try:
        link.domain("keep off", vm_id, lambda domain: domain.setAutostart(0))
    except NoSuchVm:
        return
    if not force and _shut_down(link, vm_id, patience):
        return
    link.domain("power off", vm_id, _destroy)


def state(link: LibvirtLink, vm_id: str) -> Power:
    """What libvirt says of one VM."""
    try:
        return link.domain("look up", vm_id, lambda domain: power_of(domain.state()[0]))
    except NoSuchVm:
        return Power.ABSENT


def states(link: LibvirtLink) -> Mapping[str, Power]:
    """All VMs, in one call however many there are."""

    def work(connection: Any) -> dict[str, Power]:
        known = library()
        answer = connection.getAllDomainStats(known.VIR_DOMAIN_STATS_STATE, 0)
        return {d.UUIDString(): power_of(facts["state.state"]) for d, facts in answer}

    return link.ask("list", "*", work)


def pause(link: LibvirtLink, vm_id: str) -> None:
    """Stop its processors."""

    def work(domain: Any) -> None:
        if power_of(domain.state()[0]) is not Power.PAUSED:
            domain.suspend()

    link.domain("pause", vm_id, work)


def resume(link: LibvirtLink, vm_id: str) -> None:
    """Let them go on."""

    def work(domain: Any) -> None:
        if power_of(domain.state()[0]) is not Power.RUNNING:
            domain.resume()

    link.domain("resume", vm_id, work)


def reset(link: LibvirtLink, vm_id: str) -> None:
    """Press the reset button."""
    link.domain("reset", vm_id, lambda domain: domain.reset())


def freeze(link: LibvirtLink, vm_id: str) -> bool:
    """Have the guest's agent hold its file systems still; whether it does."""

    def work(domain: Any) -> None:
        domain.agentSetResponseTimeout(_FREEZE, 0)
        domain.fsFreeze()

    try:
        link.domain("freeze", vm_id, work)
    except (AgentSilent, EngineFailed, NotRunning):
        thaw(link, vm_id)  # it may have frozen some
        return False
    return True


def thaw(link: LibvirtLink, vm_id: str) -> None:
    """Let it write again; raises `AgentSilent` when an agent that is there does not obey."""
    for left in (2, 1, 0):
        try:
            link.domain("thaw", vm_id, lambda domain: domain.fsThaw())
        except (EngineFailed, NotRunning):
            return  # no agent in its definition, or off: nobody there who could hold anything still
        except AgentSilent as error:
            if _NOBODY in str(error):
                return
            if not left:
                raise
        else:
            return


def running(link: LibvirtLink, vm_id: str) -> None:
    """Raise `NotRunning` or `NoSuchVm` unless it runs or is paused."""
    if not link.domain("look up", vm_id, lambda domain: domain.isActive()):
        raise NotRunning(name=vm_id)


def _shut_down(link: LibvirtLink, vm_id: str, patience: float) -> bool:
    # A paused guest cannot shut down: it goes on first.
    off = _is(link, vm_id, Power.STOPPED, Power.ABSENT)
    if off():
        return True
    for begun in range(int(patience // _ASK_AGAIN) + 1):
        link.domain("shut down", vm_id, _ask_to_shut_down)
        if until(off, min(_ASK_AGAIN, patience - begun * _ASK_AGAIN)):
            return True
    return False


def _is(link: LibvirtLink, vm_id: str, *wanted: Power) -> Callable[[], bool]:
    return lambda: state(link, vm_id) in wanted


def _ask_to_shut_down(domain: Any) -> None:
    known = library()
    if not domain.isActive():
        return
    if power_of(domain.state()[0]) is Power.PAUSED:
        domain.resume()
    try:
        domain.shutdownFlags(known.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
    except known.libvirtError as error:
        if connection_lost(error):
            raise
        if domain.isActive():
            domain.shutdown()  # no agent: the power button (ACPI)


def _destroy(domain: Any) -> None:
    known = library()
    if not domain.isActive():
        return
    try:
        domain.destroy()
    except known.libvirtError as error:
        # It went off by itself in between.
        if error.get_error_code() != known.VIR_ERR_OPERATION_INVALID or domain.isActive():
            raise


def power_of(number: int) -> Power:
    """Return what libvirt's number for a state means."""
    known = library()
    if number in {known.VIR_DOMAIN_PAUSED, known.VIR_DOMAIN_PMSUSPENDED}:
        return Power.PAUSED
    if number in {known.VIR_DOMAIN_SHUTOFF, known.VIR_DOMAIN_CRASHED}:
        return Power.STOPPED
    return Power.RUNNING  # also while it is shutting down, or waiting for a resource

"""The machines of a node that died and was replaced: those on replicated storage come back, the others are named."""

from sqlalchemy import select

from appliance.errors import BoxError
from controller.drivers.storage import StorageAbility
from controller.jobs.steps import Say
from controller.records.session import reading
from controller.records.tables import Vm
from controller.workers.machine import Machine
from controller.workers.site import Site


def bring_back(site: Site, node: str, say: Say) -> tuple[list[str], list[str]]:
    """Define (and start, where that is wished) what can be; return the names of both kinds.

    Only for a node of which it is proved that nothing of the old one runs: its successor has its address.
    """
    with reading(site.engine) as session:
        rows = list(session.scalars(select(Vm).where(Vm.node == node).order_by(Vm.name)))
    back: list[str] = []
    lost: list[str] = []
    for row in rows:
        try:
            there = _again(site, row)
        except BoxError as error:
            say(f"{row.name}: {error.message.zh} {error.message.en}")
            there = False
        (back if there else lost).append(row.name)
        words = (
            "已恢复 is back"
            if there
            else "磁盘随旧节点丢失或无法恢复 is lost with its disks, or cannot be brought back"
        )
        say(f"虚拟机 machine {row.name}: {words}")
    return back, lost


def _again(site: Site, row: Vm) -> bool:
    vm = Machine.of(site, row.id)
    if StorageAbility.SHARED not in vm.storage.abilities:
        return False
    vm.drivers.storage.console(vm.id)  # the folder of its console's log must be there
    vm.define()
    if row.wished == "running":
        vm.drivers.hypervisor.start(vm.id)
    vm.observe()
    return True

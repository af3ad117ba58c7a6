"""How a machine is resized and gets or loses further network interfaces, while it runs where that can be."""

import contextlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from appliance.errors import BoxError, Text
from controller.actions.vms_shape import AddNic, RemoveNic, ResizeVm
from controller.drivers.base import Ability, Power, need
from controller.jobs.steps import Say, Step, nothing
from controller.jobs.trust import NotTrusted
from controller.records.cluster import Nic
from controller.records.session import reading
from controller.records.tables import Vm
from controller.workers.inspection import look
from controller.workers.machine import Machine
from controller.workers.machine_steps import recording
from controller.workers.site import Site

_NETWORKD = """\
command -v networkctl >/dev/null || exit 3
install -d /etc/systemd/network
cat > "/etc/systemd/network/10-hbox-$1.network" <<END
[Match]
MACAddress=$2
[Network]
Address=$3
LinkLocalAddressing=no
END
networkctl reload
"""


_ONLINE = """\
for one in /sys/devices/system/cpu/cpu[0-9]*/online; do
  [ "$(cat "$one")" = 1 ] || echo 1 > "$one"
done
"""


def resize(action: ResizeVm, site: Site) -> Sequence[Step]:
    """Change the running machine where engine and guest can, and its definition in any case."""
    vm = Machine.of(site, action.vm_id)
    engine = vm.drivers.hypervisor
    wanted = (action.vcpus, action.memory_mib)
    vm.spec(wanted)  # what the records may not say is refused before anything is touched

    def change(size: tuple[int, int]) -> bool:
        hot = True
        if engine.state(vm.id) in (Power.RUNNING, Power.PAUSED):
            need(engine, Ability.RESIZE)
            hot = engine.resize(vm.id, *size)
        vm.define(size)
        return hot

    def do(say: Say) -> None:
        hot = change(wanted)
        if hot:
            _online(vm)
        say("已生效 in effect" if hot else "下次启动生效 takes effect at its next start")
        site.report(vm=vm.id, hot=hot)

    def undo(_say: Say) -> None:
        change(_before(site, vm))

    def note(_say: Say) -> None:
        site.change(lambda session: _sized(session, vm.id, wanted))
        look(Machine.of(site, vm.id))

    def unnote(_say: Say) -> None:
        before = _before(site, vm)
        site.change(lambda session: _sized(session, vm.id, before))

    return [
        Step("resize", Text("调整规格", "Change its size"), do, undo),
        Step("note", Text("记录新规格", "Record the new size"), note, unnote),
        recording(vm),
    ]


def add_nic(action: AddNic, site: Site) -> Sequence[Step]:
    """Plug it in, make it the machine's, tell the guest its address where it can be told."""
    vm = Machine.of(site, action.vm_id)
    row = _nic(site, action.nic_id)
    if row is None or row.vm_id != vm.id or row.zone != vm.row.zone:
        raise NotTrusted(why="the interface's record is not what this job wished")
    made = _NewNic(site, vm, row)
    return [
        Step("plug", Text("接入网卡", "Plug the interface in"), made.plug, made.unplug),
        Step("note", Text("登记网卡", "Record the interface"), made.note, made.unnote),
        Step("guest", Text("告知来宾地址", "Tell the guest its address"), made.tell),
    ]


@dataclass(frozen=True)
class _NewNic:
    site: Site
    vm: Machine
    row: Nic

    def plug(self, say: Say) -> None:
        engine = self.vm.drivers.hypervisor
        if engine.state(self.vm.id) is Power.RUNNING:
            need(engine, Ability.HOTPLUG)
        engine.plug(self.vm.id, self.vm.link(self.row.mac, self.row.address))
        say(f"网卡 interface: {self.row.mac} {self.row.address}")

    def unplug(self, _say: Say) -> None:
        self.vm.drivers.hypervisor.unplug(self.vm.id, self.row.mac)

    def note(self, _say: Say) -> None:
        self.site.change(lambda session: _nic_state(session, self.row.id, "present"))
        told = {"nic": self.row.id, "mac": self.row.mac, "address": self.row.address}
        self.site.report(vm=self.vm.id, **told)

    def unnote(self, _say: Say) -> None:
        self.site.change(lambda session: _nic_state(session, self.row.id, "wished"))

    def tell(self, say: Say) -> None:
        say(_told(self.vm, self.row))


def remove_nic(action: RemoveNic, site: Site) -> Sequence[Step]:
    """Unplug it; its record goes last, and with it the address."""
    titles = {
        "unplug": Text("移除网卡", "Unplug the interface"),
        "forget": Text("注销网卡", "Forget the interface"),
    }
    vm, row = Machine.of(site, action.vm_id), _nic(site, action.nic_id)
    if row is None:
        return [Step(key, title, nothing) for key, title in titles.items()]
    link = vm.link(row.mac, row.address)
    engine = vm.drivers.hypervisor

    def unplug(_say: Say) -> None:
        engine.unplug(vm.id, row.mac)

    def plug(_say: Say) -> None:
        engine.plug(vm.id, link)

    def forget(_say: Say) -> None:
        site.change(lambda session: _drop(session, row.id, vm.id))

    return [
        Step("unplug", titles["unplug"], unplug, plug),
        Step("forget", titles["forget"], forget),
    ]


def _online(vm: Machine) -> None:
    """Have a Linux guest use processors that were plugged in, where its agent can be asked."""
    engine = vm.drivers.hypervisor
    if _answers(vm):
        with contextlib.suppress(BoxError):
            engine.run(vm.id, ["sh", "-s"], stdin=_ONLINE.encode(), timeout=30)


def _answers(vm: Machine) -> bool:
    engine = vm.drivers.hypervisor
    on = engine.state(vm.id) is Power.RUNNING
    return on and Ability.AGENT in engine.abilities and engine.ping(vm.id)


def _before(site: Site, vm: Machine) -> tuple[int, int]:
    """Return the size that the machine had when the job was asked for."""
    with reading(site.engine) as session:
        row = session.get(Vm, vm.id)
    noted = (row.resizing if row is not None else None) or {}
    if noted.get("job") == site.job_id:
        vcpus, memory = noted["from"]
        return int(vcpus), int(memory)
    return vm.row.vcpus, vm.row.memory_mib


def _sized(session: Session, vm_id: str, size: tuple[int, int]) -> None:
    row = session.get(Vm, vm_id)
    if row is not None:
        (row.vcpus, row.memory_mib), row.version = size, row.version + 1


def _nic(site: Site, nic_id: str) -> Nic | None:
    with reading(site.engine) as session:
        return session.get(Nic, nic_id)


def _nic_state(session: Session, nic_id: str, state: str) -> None:
    row = session.get(Nic, nic_id)
    if row is not None and row.state != state:
        row.state = state
        vm = session.get(Vm, row.vm_id)
        if vm is not None:
            vm.version += 1


def _drop(session: Session, nic_id: str, vm_id: str) -> None:
    row, vm = session.get(Nic, nic_id), session.get(Vm, vm_id)
    if row is not None:
        session.delete(row)
    if vm is not None:
        vm.version += 1


def _told(vm: Machine, row: Nic) -> str:
    """Have the guest's own network service know the address; return what came of it."""
    engine = vm.drivers.hypervisor
    by_hand = f"请在来宾中配置地址 configure {row.address} on {row.mac} in the guest"
    if not _answers(vm):
        return by_hand
    box = vm.site.settings
    subnet = box.intranet_subnet if row.zone == "intranet" else box.extranet_subnet
    prefix = ipaddress.ip_network(subnet).prefixlen
    words = ["sh", "-s", "-", f"zone{row.position}", row.mac, f"{row.address}/{prefix}"]
    try:
        said = engine.run(vm.id, words, stdin=_NETWORKD.encode(), timeout=60)
    except BoxError as error:
        return f"{by_hand} ({error})"
    return f"来宾已配置 the guest has it: {row.address}" if said.code == 0 else by_hand

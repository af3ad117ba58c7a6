"""How a node is brought to its state, emptied, used again and let go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance.errors import BoxError, Failed, Text
from controller.actions.nodes_life import ConfigureNode, DrainNode, RemoveNode, RestoreNode
from controller.drivers.base import Ability, Power
from controller.jobs.steps import Say, Step
from controller.records.cluster import OsdDisk
from controller.records.session import reading
from controller.records.tables import Node, Vm
from controller.workers import nodes_network, nodes_state, nodes_trust
from controller.workers.nodes_storage import storage_part
from controller.workers.site import Site
from hardware.reconnecting import NodeHost

# Our own key goes last: cut off before that, we can come back and do the rest.
_FAREWELL = """systemctl stop libvirtd-tls.socket libvirtd.service || true
rm -f /etc/pki/libvirt/servercert.pem /etc/pki/qemu/server-cert.pem /etc/hbox/member.json
ln -sfn /dev/null /etc/systemd/system/libvirtd-tls.socket
printf '{"home": true, "address": "", "peers": []}' >/var/lib/hbox/network/fabric.json
printf '[]' >/var/lib/hbox/network/flows.json
systemctl daemon-reload; systemctl reload-or-restart hbox-network.service || true
sed -i '/ hbox-controller$/d' /root/.ssh/authorized_keys"""


class NotDrained(Failed):
    """Some machines could not be moved."""

    code = "node.not_drained"
    text = Text("节点 {name} 未能清空：{what}", "The node {name} could not be emptied: {what}")
    hint = Text(
        "请按任务日志处理这些虚拟机（迁移、关机或删除），再次执行 drain。节点保持维护状态。",
        "Deal with these machines as the job's log says, then drain again. It stays in maintenance.",
    )


def configure(action: ConfigureNode, site: Site) -> Sequence[Step]:
    """Run the roles; a dry run changes nothing and says what would."""

    def run(say: Say) -> None:
        fleet = nodes_state.fleet_of(site)
        member = next(m for m in fleet.members() if m.name == action.node)
        if len(nodes_network.spanned(site)) > 1 and not action.dry:
            nodes_trust.equip(site, member.name, member.address, fleet[member.name].host)
        found = nodes_state.configure(site, say, [member], check=action.dry)
        more = storage_part(site, "configure")(site, member.name, say, check=action.dry) or 0
        changed = found[member.name].changed + more
        site.report(node=member.name, changed=changed, dry=action.dry)

    return [Step("configure", Text("运行配置角色", "Run the roles"), run)]


def drain(action: DrainNode, site: Site) -> Sequence[Step]:
    """Move the running machines away one after the other; of a node that is dead, mark what was there."""
    plan = action.plan()
    steps = [
        Step(
            f"move-{vm}",
            Text(f"迁移虚拟机到 {target}", f"Move a machine to {target}"),
            _moving(site, vm, target),
        )
        for vm, target in sorted(plan.items())
    ]

    def look(say: Say) -> None:
        why = _away(site, action.node)
        left = _left(site, action.node)
        if why is not None:
            for name in left:
                say(f"节点无应答，虚拟机状态未知 the node is away, unknown: {name}")
            site.report(node=action.node, away=why, unknown=left)
            return
        running = _running(site, action.node)
        site.report(node=action.node, moved=len(plan), left=left)
        if running:
            raise NotDrained(name=action.node, what=", ".join(running))

    return [*steps, Step("look", Text("核对节点已清空", "See that nothing runs there"), look)]


def restore(action: RestoreNode, site: Site) -> Sequence[Step]:
    """See that it answers, bring it up to date, let machines be placed there again."""

    def ask(say: Say) -> None:
        site.node(action.node).hypervisor.states()
        nodes_network.push(site, say, only=action.node)

    def enter(_say: Say) -> None:
        _change(site, action.node, state="active")

    return [
        Step("ask", Text("确认节点应答", "See that it answers"), ask),
        Step("enter", Text("恢复调度", "Let machines be placed there"), enter),
    ]


def remove(action: RemoveNode, site: Site) -> Sequence[Step]:
    """Take its part of the storage out, tell the others, distrust it, forget it."""
    leaving = _Leaving(action.node, site)
    return [
        Step("storage", Text("退出分布式存储", "Leave the replicated storage"), leaving.storage),
        Step("farewell", Text("解除节点配置", "Release the node itself"), leaving.farewell),
        Step("distrust", Text("吊销证书", "Revoke its certificates"), leaving.distrust),
        Step("forget", Text("注销节点", "Forget it"), leaving.forget),
    ]


@dataclass(frozen=True)
class _Leaving:
    node: str
    site: Site

    def storage(self, say: Say) -> None:
        """Its disks and monitor leave, if that costs no last good copy."""
        storage_part(self.site, "leave")(self.site, self.node, say)

    def farewell(self, say: Say) -> None:
        """Close what was opened on it; a node that is dead has nothing to be told."""
        try:
            fleet = nodes_state.fleet_of(self.site)  # never this very machine, whatever a row says
            if self.node != fleet.home and isinstance(fleet[self.node].host, NodeHost):
                fleet[self.node].host.run(["sh", "-c", _FAREWELL], timeout=90)
        except KeyError:
            return  # cut off behind the last step
        except BoxError as error:
            say(f"节点无应答，未在其上清理 it does not answer, nothing was undone there: {error}")

    def distrust(self, say: Say) -> None:
        """Nobody believes its certificates, and it is out of the zones."""
        nodes_trust.drop(self.site, self.node)
        _change(self.site, self.node, joined_at=None)
        nodes_network.push(self.site, say)
        nodes_trust.tell_home(self.site)

    def forget(self, _say: Say) -> None:
        """Its row goes, and the rows of its disks that are gone."""

        def work(session: Session) -> None:
            session.execute(delete(OsdDisk).where(OsdDisk.node == self.node))
            row = session.get(Node, self.node)
            if row is not None:
                session.delete(row)

        self.site.change(work)


def _moving(site: Site, vm_id: str, target: str) -> Callable[[Say], None]:
    def move(say: Say) -> None:
        why = _away(site, _node_of(site, vm_id))
        if why is not None:
            say(f"原节点无应答，不迁移 its node is away, nothing is moved: {why}")
            return
        from controller.workers import vms_moving  # noqa: PLC0415 - it takes drivers that a box of one has no use for

        vms_moving.move(site, vm_id, target, say)

    return move


def _node_of(site: Site, vm_id: str) -> str:
    with reading(site.engine) as session:
        row = session.get(Vm, vm_id)
    return row.node if row is not None else ""


def _away(site: Site, node: str) -> str | None:
    with reading(site.engine) as session:
        row = session.get(Node, node)
    return row.why if row is not None else None


def _left(site: Site, node: str) -> list[str]:
    with reading(site.engine) as session:
        return list(session.scalars(select(Vm.name).where(Vm.node == node).order_by(Vm.name)))


def _running(site: Site, node: str) -> list[str]:
    powers = site.node(node).hypervisor.states()
    with reading(site.engine) as session:
        rows = list(session.scalars(select(Vm).where(Vm.node == node).order_by(Vm.name)))
    on = (Power.RUNNING, Power.PAUSED)
    can = Ability.MIGRATE in site.node(node).hypervisor.abilities
    return [row.name for row in rows if powers.get(row.id, Power.ABSENT) in on and can]


def _change(site: Site, name: str, **columns: str | None) -> None:
    def work(session: Session) -> None:
        row = session.get(Node, name)
        if row is not None:
            for column, value in columns.items():
                setattr(row, column, value)
            row.version += 1

    site.change(work)

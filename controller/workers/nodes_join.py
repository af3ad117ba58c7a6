"""How a node is let in: reached by the key it brought, certified, configured, made known to the others, proved."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from appliance import build, clock
from appliance.errors import Conflict, Refused, Text
from appliance.host import Host
from controller.actions.nodes_join import JoinNode
from controller.drivers.base import EngineUnavailable
from controller.drivers.kvm import KvmDriver
from controller.jobs.steps import Say, Step
from controller.records.cluster import NodeToken
from controller.records.session import reading
from controller.records.tables import Node
from controller.workers import nodes_network, nodes_state, nodes_trust
from controller.workers.fleet import Fleet, Member, uri
from controller.workers.nodes_return import bring_back
from controller.workers.nodes_storage import storage_part
from controller.workers.site import Site
from hardware import inventory
from hardware.ssh import answers

UNMASK = """for unit in hbox-web hbox-worker hbox-console hbox-gateway hbox-firstboot hbox-clamd; do
  link=/etc/systemd/system/$unit.service
  if [ "$(readlink "$link")" = /dev/null ]; then rm -f "$link"; fi
done
rm -f /etc/hbox/member.json
systemctl daemon-reload"""
"""Gives a node back to itself: its own controller may start again, nothing points elsewhere."""
_ANSWERS = 40.0  # seconds for a libvirtd that was just restarted
_SHUT_OUT = 60.0  # seconds for an sshd that has turned us away, see `_knock`


class NotEmpty(Conflict):
    """The node that wants to join runs machines of its own."""

    code = "join.not_empty"
    text = Text(
        "节点 {name} 上已有虚拟机：{what}", "The node {name} has machines of its own: {what}"
    )
    hint = Text(
        "请先在该节点上迁走或删除这些虚拟机，再重新加入。",
        "Move or delete them there first, then join again.",
    )


class OtherMachine(Refused):
    """Who answers at the address is not who asked to join."""

    code = "join.other_machine"
    text = Text("{address} 上的节点不符：{why}", "The node at {address} is another one: {why}")


def join(action: JoinNode, site: Site) -> Sequence[Step]:
    """Reach it, certify it, bring all nodes to their states, prove libvirt over TLS, let it in."""
    work = _Joining(action, site)
    return [
        Step("reach", Text("连接并核对新节点", "Reach and check the new node"), work.reach),
        Step("trust", Text("签发证书", "Issue its certificates"), work.trust, work.distrust),
        Step("home", Text("核对控制节点证书", "See to the certificates at home"), work.home),
        Step(
            "configure", Text("配置新节点", "Configure the new node"), work.configure, work.release
        ),
        Step("others", Text("告知其他节点", "Tell the other nodes"), work.others, work.forget),
        Step("prove", Text("验证加密管理通道", "Prove the encrypted channel"), work.prove),
        Step("enter", Text("登记节点", "Let it in"), work.enter, work.leave),
        Step("storage", Text("接入分布式存储", "Join the replicated storage"), work.storage),
        Step("machines", Text("恢复原有虚拟机", "Bring its machines back"), work.machines),
    ]


class _Joining:
    def __init__(self, action: JoinNode, site: Site) -> None:
        self.action = action
        self.site = site

    @property
    def fleet(self) -> Fleet:
        """The nodes as the records have them."""
        return nodes_state.fleet_of(self.site)

    @property
    def host(self) -> Host:
        """The new node, by the key that it brought along."""
        return self.fleet.reach(self.action.name, self.action.address, self.action.host_key)

    @property
    def member(self) -> Member:
        """The new node as a member to be."""
        asked = self.action
        return Member(
            asked.name, home=False, address=asked.address, host_key=asked.host_key, state="joining"
        )

    def reach(self, say: Say) -> None:
        """Log in, and see that it is who it says and has nothing of its own to lose."""
        self._knock(say)
        name = self.host.run(["hostname"], timeout=20).text.strip()
        if name != self.action.name:
            raise OtherMachine(address=self.action.address, why=f"{name} ≠ {self.action.name}")
        digest = self.host.run(["/usr/bin/hbox", "node", "build"], timeout=30).text.strip()
        if digest != build.digest():
            raise OtherMachine(address=self.action.address, why=f"build {digest[:12]}")
        held = self.host.run(["virsh", "list", "--all", "--name"], timeout=60).text.split()
        if held:
            raise NotEmpty(name=name, what=", ".join(held[:5]))
        say(f"已连接 reached {self.action.address}, {name}")

    def _knock(self, say: Say) -> None:
        """Wait until its sshd speaks: it shuts those out for a while whose key it refused.

        That were we, while it was being removed (PerSourcePenalties of sshd_config(5): 5 s for each).
        """
        deadline, told = clock.monotonic() + _SHUT_OUT, ""
        while (why := answers(self.action.address)) and clock.monotonic() < deadline:
            if why != told:
                say(f"等待 waiting for SSH: {why}")
            told = why
            clock.pause(2.0)

    def trust(self, _say: Say) -> None:
        """Certify the keys that it made."""
        if self._replaces():
            storage_part(self.site, "may_replace")(self.site, self.action.name)
        self._clear_predecessor()
        requests = nodes_trust.requests_of(self.action.request)
        made = nodes_trust.certify(self.site, self.action.name, self.action.address, requests)
        if nodes_trust.lay(self.site, self.host, made):
            nodes_trust.take_up(self.host)

    def distrust(self, _say: Say) -> None:
        """Revoke what was issued."""
        nodes_trust.drop(self.site, self.action.name)

    def home(self, say: Say) -> None:
        """Give this node certificates too: a box of one had no need."""
        here = self.fleet.members()[0]
        nodes_trust.equip(self.site, here.name, here.address, self.site.home.host)
        say(f"{here.name}: {here.address}")

    def configure(self, say: Say) -> None:
        """Run the roles at home and on the new node, which from then on runs no controller of its own."""
        here = self.fleet.members()[0]
        nodes_state.configure(self.site, say, [here, self.member], also=self.member)

    def release(self, say: Say) -> None:
        """Give the node back to itself: its own units may start again, nothing points here."""
        self.host.run(["sh", "-c", UNMASK], timeout=60)
        nodes_network.push(self.site, say)

    def others(self, say: Say) -> None:
        """From now on it belongs to what the zones span; every node is told."""
        self._write(lambda row: setattr(row, "joined_at", clock.iso()))
        nodes_network.push(self.site, say)

    def forget(self, say: Say) -> None:
        """It is out of the zones again."""
        self._write(lambda row: setattr(row, "joined_at", None))
        nodes_network.push(self.site, say)

    def prove(self, say: Say) -> None:
        """Ask its libvirt through TLS, as everything will from now on; take its inventory."""
        driver = KvmDriver(uri(self.action.address))
        deadline = clock.monotonic() + _ANSWERS
        while True:
            try:
                driver.states()
                break
            except EngineUnavailable:
                if clock.monotonic() > deadline:
                    raise
                clock.pause(1.0)
        facts = inventory.take(self.host)
        accelerator = str(facts.virtualisation.accelerator)
        self._write(lambda row: _facts(row, facts.as_dict(), accelerator))
        say(f"libvirt 经双向 TLS 应答 answers through mutual TLS; {accelerator}")

    def enter(self, _say: Say) -> None:
        """It is a node like the others."""

        def work(row: Node) -> None:
            row.state, row.address, row.host_key = (
                "active",
                self.action.address,
                self.action.host_key,
            )
            row.why, row.seen_at, row.version = None, clock.iso(), row.version + 1

        self._write(work)
        self.site.report(node=self.action.name, address=self.action.address)

    def leave(self, _say: Say) -> None:
        """It is no node like the others: its row waits for what the end of the job makes of it."""
        state = "replacing" if self._replaces() else "joining"
        self._write(lambda row: setattr(row, "state", state))

    def storage(self, say: Say) -> None:
        """It becomes a client of the replicated storage; one that was replaced holds copies again."""
        storage_part(self.site, "rejoin")(self.site, self.action.name, say)

    def machines(self, say: Say) -> None:
        """What the dead node had: on replicated storage it is defined again, on its own disks it is lost."""
        if self._replaces():
            back, lost = bring_back(self.site, self.action.name, say)
            self.site.report(back=back, lost=lost)

    def _replaces(self) -> bool:
        with reading(self.site.engine) as session:
            token = session.get(NodeToken, self.action.token_id)
        return token is not None and token.replaces

    def _write(self, work: Callable[[Node], object]) -> None:
        def change(session: Session) -> None:
            row = session.get(Node, self.action.name)
            if row is not None:
                work(row)

        self.site.change(change)

    def _clear_predecessor(self) -> None:
        """Whoever had this name before is trusted no longer, before the new one is."""
        requests = nodes_trust.requests_of(self.action.request)
        if not nodes_trust.is_for(self.site, self.action.name, requests):
            nodes_trust.drop(self.site, self.action.name)


def _facts(row: Node, facts: dict[str, object], accelerator: str) -> None:
    row.facts, row.facts_at, row.accelerator = facts, clock.iso(), accelerator

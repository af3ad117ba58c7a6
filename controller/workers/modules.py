"""How modules are trusted, installed, approved and removed, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Failed, NotFound, Text
from appliance.sdk import trust
from appliance.sdk.bundle import Bundle
from appliance.sdk.manifest import Manifest, from_dict
from controller.actions.channels import SamePerson
from controller.actions.modules import ApproveModule, InstallModule, RemoveModule, TrustVendor
from controller.drivers.base import Ability, NotRunning, Power, need
from controller.jobs.steps import Say, Step, nothing
from controller.jobs.trust import NotTrusted
from controller.records.session import reading
from controller.records.tables import Base, Job, Module, VendorKey
from controller.workers.approvals import Approvals
from controller.workers.asker import asker
from controller.workers.bundles import OtherFile, Shelf
from controller.workers.inside import VOLUME, Inside
from controller.workers.machine import Machine
from controller.workers.openings import Approved
from controller.workers.site import Site

IMAGE = "module"
_WELL = 180.0  # seconds a module may take until it answers in a translated (TCG) guest


class NotWell(Failed):
    """The module runs but does not answer as it should."""

    code = "module.not_well"
    text = Text("模块 {module} 未通过存活检查：{why}", "The module {module} is not alive: {why}")


def trust_vendor(action: TrustVendor, site: Site) -> Sequence[Step]:
    """Put the key on the box's own list; the row shows it."""
    shelf = Shelf(site.settings)
    key = trust.VendorKey(action.vendor, action.pem, tuple(action.id_list))

    def do(say: Say) -> None:
        shelf.trust(key)

        def work(session: Session) -> None:
            session.merge(
                VendorKey(
                    fingerprint=key.fingerprint,
                    vendor=key.vendor,
                    pem=key.pem,
                    ids=list(key.ids),
                    added_by=_actor(session, site),
                    added_at=clock.iso(),
                )
            )

        site.change(work)
        say(f"密钥指纹 fingerprint: {key.fingerprint}")

    def undo(_say: Say) -> None:
        shelf.distrust(key.fingerprint)
        site.change(lambda session: _drop(session, VendorKey, key.fingerprint))

    return [Step("trust", Text("信任厂商密钥", "Trust the vendor's key"), do, undo)]


def install(action: InstallModule, site: Site) -> Sequence[Step]:
    """Verify, plug the bundle in, run the install script in the guest, wait until it is alive."""
    machine = Machine.of(site, action.vm_id)
    need(machine.drivers.hypervisor, Ability.AGENT, Ability.HOTPLUG)
    return _Installation(action, site, machine, Shelf(site.settings)).steps()


@dataclass(frozen=True)
class _Installation:
    action: InstallModule
    site: Site
    machine: Machine
    shelf: Shelf

    def steps(self) -> list[Step]:
        return [
            Step("verify", Text("校验模块包", "Verify the bundle"), self.verify, self.unverify),
            Step("volume", Text("制作数据卷", "Make the volume"), self.volume, self.no_volume),
            Step("attach", Text("接入数据卷", "Attach the volume"), self.attach, self.detach),
            Step(
                "install", Text("在来宾中安装", "Install in the guest"), self.install, self.remove
            ),
            Step("health", Text("等待模块应答", "Wait for the module"), self.health),
            Step("detach", Text("取下数据卷", "Detach the volume"), self.detach),
            Step("record", Text("登记模块", "Record the module"), self.record),
        ]

    def verify(self, say: Say) -> None:
        found = self.shelf.take_in(self.action.upload, self.action.digest, self.action.module_id)
        self._fits(found)
        Approvals(self.site).asked(found.manifest.id, found.digest, asker(self.site))
        self.site.change(lambda session: self._insert(session, found))
        say(f"签名与摘要正确 signature and digest hold: {found.key} {found.digest}")

    def unverify(self, _say: Say) -> None:
        self.site.change(lambda session: _drop(session, Module, self.action.module_id))
        self.shelf.drop(self.action.module_id, self.action.digest)

    def volume(self, _say: Say) -> None:
        copy = self.shelf.path(self.action.module_id, self.action.digest)
        self.machine.storage.write(self.machine.volume(IMAGE), "HBOXMODULE", {"module.hmod": copy})

    def no_volume(self, _say: Say) -> None:
        self.machine.storage.erase(self.machine.volume(IMAGE))

    def attach(self, _say: Say) -> None:
        self._inside().plug(self.machine.volume(IMAGE))

    def detach(self, _say: Say) -> None:
        self.machine.drivers.hypervisor.detach(self.machine.id, VOLUME)
        self.machine.storage.erase(self.machine.volume(IMAGE))

    def install(self, say: Say) -> None:
        self._inside().install(self.action.digest, say)

    def remove(self, say: Say) -> None:
        self._inside().remove(say, data=True)

    def health(self, say: Say) -> None:
        inside, deadline = self._inside(), clock.monotonic() + _WELL
        answer = inside.health("live")
        while not answer.get("ok"):
            if clock.monotonic() > deadline:
                raise NotWell(module=self.action.module_id, why=str(answer.get("body"))[:300])
            clock.pause(2)
            answer = inside.health("live")
        say(f"模块已应答 the module answers: {answer.get('status')}")

    def record(self, _say: Say) -> None:
        answer = self._inside().health("ready")

        def work(session: Session) -> None:
            row = session.get(Module, self.action.module_id)
            if row is not None:
                row.state, row.installed_at = "running", clock.iso()
                row.health, row.health_at = answer, clock.iso()

        self.site.change(work)
        self.site.report(module=self.action.module_id, vm=self.machine.id)

    def _inside(self) -> Inside:
        found = self.shelf.verified(self.action.module_id, self.action.digest)
        return Inside(self.machine, found.manifest)

    def _fits(self, found: Bundle) -> None:
        wanted = found.manifest.component
        if wanted.zone != self.machine.row.zone:
            raise OtherFile(why=f"{found.manifest.id} belongs into the zone {wanted.zone}")
        if self.machine.drivers.hypervisor.state(self.machine.id) is not Power.RUNNING:
            raise Failed(what=self.action.module_id, why="the machine is not running")

    def _insert(self, session: Session, found: Bundle) -> None:
        about = found.manifest.module
        session.merge(
            Module(
                id=found.manifest.id,
                version=found.manifest.version,
                vendor=about.vendor,
                summary_zh=about.summary.zh,
                summary_en=about.summary.en,
                simulated="模拟" in about.title.zh,
                digest=found.digest,
                key=found.key,
                vm_id=self.machine.id,
                manifest=found.manifest.model_dump(mode="json", by_alias=True),
                state="installing",
                job_id=self.site.job_id,
            )
        )


def approve(action: ApproveModule, site: Site) -> Sequence[Step]:
    """Open exactly the flows that the verified bundle declares, if another person brought it in."""
    approvals, shelf = Approvals(site), Shelf(site.settings)

    def check(_say: Say) -> None:
        approver = asker(site)
        if approver == approvals.requester(action.module_id, action.digest):
            raise SamePerson(person=approver)

    def do(say: Say) -> None:
        found = shelf.verified(action.module_id, action.digest)
        row = _module(site, action.module_id)
        approver, requester = asker(site), approvals.requester(action.module_id, action.digest)
        machine = Machine.of(site, row.vm_id)
        approvals.add(Approved(found.manifest, machine.row.address, approver, requester))
        approvals.enforce(say)
        site.change(lambda session: _approved(session, action.module_id, approver))

    def undo(say: Say) -> None:
        approvals.withdraw(action.module_id)
        approvals.enforce(say)
        site.change(lambda session: _approved(session, action.module_id, None))

    return [
        Step("check", Text("核对安装人与批准人", "Check who installed and who approves"), check),
        Step("open", Text("开放声明的数据流", "Open the declared flows"), do, undo),
    ]


def remove(action: RemoveModule, site: Site) -> Sequence[Step]:
    """Close its flows, take it out of its machine, forget it. What it stored goes with it.

    Should a later step fail, the flows stay closed until somebody approves them again.
    """
    approvals, shelf = Approvals(site), Shelf(site.settings)
    titles = {
        "close": Text("关闭数据流", "Close its flows"),
        "remove": Text("从来宾中移除", "Remove it from the guest"),
        "forget": Text("注销模块", "Forget the module"),
    }
    try:
        row = _module(site, action.module_id)
    except NotFound:
        return [Step(key, title, nothing) for key, title in titles.items()]
    inside = Inside(Machine.of(site, row.vm_id), _manifest(row))

    def close(say: Say) -> None:
        approvals.withdraw(action.module_id)
        approvals.enforce(say)
        site.change(lambda session: _approved(session, action.module_id, None))

    def take_out(say: Say) -> None:
        if inside.machine.drivers.hypervisor.state(inside.machine.id) is Power.STOPPED:
            raise NotRunning(name=inside.machine.row.name)
        inside.remove(say, data=True)

    def forget(_say: Say) -> None:
        shelf.drop(action.module_id, row.digest)
        site.change(lambda session: _drop(session, Module, action.module_id))

    return [
        Step("close", titles["close"], close),
        Step("remove", titles["remove"], take_out),
        Step("forget", titles["forget"], forget),
    ]


def _module(site: Site, module_id: str) -> Module:
    with reading(site.engine) as session:
        row = session.get(Module, module_id)
    if row is None:
        raise NotFound(what="模块 module", name=module_id)
    return row


def _manifest(row: Module) -> Manifest:
    """Return the row's manifest; one that was put there for another module would remove that one."""
    held = from_dict(row.manifest)
    if held.id != row.id:
        raise NotTrusted(why=f"the manifest of {row.id} is that of {held.id}")
    return held


def _approved(session: Session, module_id: str, approver: str | None) -> None:
    row = session.get(Module, module_id)
    if row is not None:
        row.approved_by = approver
        row.approved_at = clock.iso() if approver else None


def _actor(session: Session, site: Site) -> str:
    job = session.get(Job, site.job_id)
    return job.actor if job is not None else "?"


def _drop(session: Session, table: type[Base], key: str) -> None:
    row = session.get(table, key)
    if row is not None:
        session.delete(row)

"""What may be asked about vendors and modules: trust, install, approve, remove."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import BadInput, Conflict, NotFound, Text
from appliance.sdk.trust import PATTERN
from appliance.signing import BadKey, VerifyKey
from controller.actions import fields
from controller.actions.base import Action, Role
from controller.actions.vms import find as find_vm
from controller.records.tables import Module, VendorKey


class KeyTrusted(Conflict):
    """This key is trusted already."""

    code = "module.key_trusted"
    text = Text("该密钥已被信任：{fingerprint}", "This key is trusted already: {fingerprint}")
    hint = Text("请查看已信任的厂商密钥。", "Look at the vendor keys that are trusted.")


class ModuleThere(Conflict):
    """The module is installed already, or the machine already holds one."""

    code = "module.installed"
    text = Text("模块 {module} 已安装在虚拟机 {vm}", "The module {module} is installed in {vm}")
    hint = Text(
        "请先移除，或为新模块另建虚拟机。",
        "Remove it first, or create another machine for the new one.",
    )


class OtherBundle(Conflict):
    """The module that is installed is not the one that was looked at."""

    code = "module.other_bundle"
    text = Text(
        "已安装的模块与所审批的不是同一文件",
        "The installed module is not the file that was approved",
    )
    hint = Text(
        "请重新查看模块的数据流后再审批。", "Look at the module's flows again, then approve."
    )


class ModuleNotRunning(Conflict):
    """The module is not in a state for this."""

    code = "module.not_running"
    text = Text("模块 {module} 当前状态为 {state}", "The module {module} is {state} now")


@dataclass(frozen=True)
class TrustVendor(Action):
    """Trust a vendor's public key for the module ids in `ids` (comma text; `*` at an end is a prefix)."""

    vendor: str
    pem: str
    ids: str

    kind: ClassVar[str] = "module.trust"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    by_token: ClassVar[bool] = False
    sentence: ClassVar[Text] = Text(
        "信任厂商 {vendor} 的签名密钥（模块：{ids}）",
        "Trust the key of {vendor} for the modules {ids}",
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"vendor/{self.vendor}"

    @property
    def id_list(self) -> list[str]:
        """The module ids, one by one."""
        return [part.strip() for part in self.ids.split(",")]

    @property
    def fingerprint(self) -> str:
        """The key's name in the records."""
        return VerifyKey.from_pem(self.pem.encode()).fingerprint

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("vendor", self.vendor, fields.NAME)
        for part in self.id_list:
            fields.matches("ids", part, PATTERN)
        try:
            VerifyKey.from_pem(self.pem.encode())
        except BadKey as error:
            raise BadInput(what="pem", why="不是 Ed25519 公钥 not an Ed25519 public key") from error

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        if session.get(VendorKey, self.fingerprint) is not None:
            raise KeyTrusted(fingerprint=self.fingerprint)


@dataclass(frozen=True)
class InstallModule(Action):
    """Install the handed-in bundle `upload` (SHA-256 `digest`) into the machine `vm_id`."""

    module_id: str
    vm_id: str
    upload: str
    digest: str

    kind: ClassVar[str] = "module.install"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text("安装模块 {module_id}", "Install the module {module_id}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"module/{self.module_id}"

    def locks(self) -> tuple[str, ...]:
        """The module and the machine that it goes into."""
        return (f"module/{self.module_id}", f"vm/{self.vm_id}")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("module_id", self.module_id, fields.MODULE)
        fields.matches("vm_id", self.vm_id, fields.ID)
        fields.matches("upload", self.upload, fields.UPLOAD)
        fields.matches("digest", self.digest, fields.DIGEST)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        vm = find_vm(session, self.vm_id)
        there = session.get(Module, self.module_id) or session.scalar(
            select(Module).where(Module.vm_id == self.vm_id)
        )
        if there is not None:
            raise ModuleThere(module=there.id, vm=there.vm_id)
        if vm.wished != "running":
            raise Conflict(why=f"虚拟机 {vm.name} 未要求运行 the machine is not wished to run")


@dataclass(frozen=True)
class ApproveModule(Action):
    """Open the flows that the manifest of exactly this bundle (SHA-256 `digest`) declares."""

    module_id: str
    digest: str

    kind: ClassVar[str] = "module.approve"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SECURITY})
    by_token: ClassVar[bool] = False
    sentence: ClassVar[Text] = Text(
        "批准模块 {module_id} 的数据流", "Approve the data flows of the module {module_id}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"module/{self.module_id}"

    def locks(self) -> tuple[str, ...]:
        """The module, and the policy of which there is one."""
        return (f"module/{self.module_id}", "gateway/policy")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("module_id", self.module_id, fields.MODULE)
        fields.matches("digest", self.digest, fields.DIGEST)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        module = find(session, self.module_id)
        if module.state != "running":
            raise ModuleNotRunning(module=module.id, state=module.state)
        if module.digest != self.digest:
            raise OtherBundle


@dataclass(frozen=True)
class RemoveModule(Action):
    """Remove a module: its flows close first, then it leaves its machine."""

    module_id: str

    kind: ClassVar[str] = "module.remove"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})
    sentence: ClassVar[Text] = Text("移除模块 {module_id}", "Remove the module {module_id}")

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"module/{self.module_id}"

    def locks(self) -> tuple[str, ...]:
        """The module and the policy; its machine is the module's own."""
        return (f"module/{self.module_id}", "gateway/policy")

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("module_id", self.module_id, fields.MODULE)

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        module = find(session, self.module_id)
        if module.state not in ("running", "failed"):
            raise ModuleNotRunning(module=module.id, state=module.state)

    def wish(self, session: Session, job_id: str) -> None:
        """See `Action.wish`."""
        module = find(session, self.module_id)
        module.state, module.job_id = "removing", job_id

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        module = find(session, self.module_id)
        if module.state != "removing" or module.job_id != job_id:
            raise ModuleNotRunning(module=module.id, state=module.state)

    def forget(self, session: Session, job_id: str) -> None:
        """The module stays; whether it is well, its health says."""
        module = session.get(Module, self.module_id)
        if module is not None and module.state == "removing" and module.job_id == job_id:
            module.state = "running"


def find(session: Session, module_id: str) -> Module:
    """Return the module's row; raise `NotFound`."""
    module = session.get(Module, module_id)
    if module is None:
        raise NotFound(what="模块 module", name=module_id)
    return module

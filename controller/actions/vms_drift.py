"""What may be asked about a machine that the engine holds otherwise than wished: mend it, or accept it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from appliance.errors import Conflict, Text
from controller.actions.base import Role
from controller.actions.vms_one import OneVm, find

ACCEPTABLE = frozenset({"vcpus", "memory_mib", "power", "node"})
REASONS: Mapping[str, Text] = {
    "disks": Text(
        "外来磁盘未经登记、检查与配额，且删除时无法清除",
        "a foreign disk was never recorded, examined or counted, and could not be erased",
    ),
    "links": Text(
        "外来网卡没有分配的地址，可能绕过网关与包过滤",
        "a foreign interface has no address of ours and could be a way round the gateway",
    ),
    "name": Text("名称由控制器登记", "the name is the records' own"),
    "extra": Text("外来设备未经登记与隔离检查", "a foreign device was never recorded or examined"),
    "twice": Text(
        "同时在多个节点运行，需先判断哪一份数据有效",
        "it runs on several nodes: somebody must find out first which one's data counts",
    ),
    "definition": Text(
        "虚拟机定义已不存在，没有可接受的内容", "it is gone: there is nothing to accept"
    ),
}
"""Why the other kinds of drift cannot be accepted."""


class NoDrift(Conflict):
    """The machine is as wished."""

    code = "vm.no_drift"
    text = Text(
        "虚拟机 {name} 与期望一致，无需处理", "The machine {name} is as wished: nothing to do"
    )


class DriftForeign(Conflict):
    """What was changed cannot be made the wish; `zh` and `en` say what and why."""

    code = "vm.drift_foreign"
    text = Text(
        "不能接受虚拟机 {name} 的变更：{zh}", "The change of {name} cannot be accepted: {en}"
    )
    hint = Text("请用 hbox vm mend 恢复为期望状态。", "Bring it back as wished with hbox vm mend.")


@dataclass(frozen=True)
class _Drifted(OneVm):
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SYSTEM})

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        vm = find(session, self.vm_id)
        if not vm.drift:
            raise NoDrift(name=vm.name)


@dataclass(frozen=True)
class MendVm(_Drifted):
    """Bring the machine back to what is wished: at once where it can be, else at its next start."""

    kind: ClassVar[str] = "vm.mend"
    sentence: ClassVar[Text] = Text(
        "将虚拟机 {vm_id} 恢复为期望状态",
        "Bring the virtual machine {vm_id} back to what is wished",
    )


@dataclass(frozen=True)
class AcceptVm(_Drifted):
    """Take what the engine holds as the wish: processors, memory, power, node; nothing else."""

    kind: ClassVar[str] = "vm.accept"
    sentence: ClassVar[Text] = Text(
        "接受虚拟机 {vm_id} 的实际状态", "Accept the virtual machine {vm_id} as it really is"
    )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        super().check(session)
        vm = find(session, self.vm_id)
        lawful(vm.name, vm.drift or {})


def lawful(name: str, drift: Mapping[str, Any]) -> None:
    """Raise `DriftForeign`, naming each part that cannot be accepted and why."""
    foreign = [(what, REASONS[what]) for what in sorted(drift) if what not in ACCEPTABLE]
    if foreign:
        raise DriftForeign(
            name=name,
            why="",
            zh="；".join(f"{what}：{text.zh}" for what, text in foreign),
            en="; ".join(f"{what}: {text.en}" for what, text in foreign),
        )

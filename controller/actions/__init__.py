"""What may be asked of the box, one frozen dataclass per verb."""

from controller.actions.accounts import AddAccount, DisableAccount, ResetAccount, UnlockAccount
from controller.actions.assessing import RemoveObject, SetChoice, SetObject, SetSchedule
from controller.actions.base import Action
from controller.actions.channels import ApproveChange, ProposeChange, RejectChange, TryChange
from controller.actions.compliance import RunCompliance
from controller.actions.consoles import OpenConsole
from controller.actions.gateway import ProveGateway
from controller.actions.grants import AddGrant, RemoveGrant
from controller.actions.mending import MendFindings, PlanMending, UndoMending
from controller.actions.modules import ApproveModule, InstallModule, RemoveModule, TrustVendor
from controller.actions.nodes import InspectNode
from controller.actions.nodes_join import JoinNode
from controller.actions.nodes_life import ConfigureNode, DrainNode, RemoveNode, RestoreNode
from controller.actions.orders import DropDead, PauseChannel, RerunDead, ResumeChannel
from controller.actions.papers import (
    AnswerQuestion,
    ApproveAnswer,
    ApproveWaiver,
    AskWaiver,
    WithdrawAnswer,
    WithdrawWaiver,
)
from controller.actions.peers import IssuePeer
from controller.actions.signatures import ImportSignatures
from controller.actions.storage import AddDisk, RemoveDisk, ReplaceDisk, SetUpStorage
from controller.actions.supervision import (
    AcknowledgeAlert,
    ExportTransfers,
    LookBody,
    MakeReport,
    RebuildIndex,
)
from controller.actions.templates import CheckTemplate, ImportTemplate, RemoveTemplate
from controller.actions.tenants import RemoveTenant, SetTenant
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm
from controller.actions.vms_drift import AcceptVm, MendVm
from controller.actions.vms_moving import CloneVm, MigrateVm
from controller.actions.vms_power import PauseVm, ResetVm, ResumeVm
from controller.actions.vms_shape import AddNic, RemoveNic, ResizeVm
from controller.actions.vms_snapshots import DropVmSnapshot, RollbackVm, SnapshotVm
from controller.actions.volumes import (
    AttachVolume,
    CreateVolume,
    DeleteVolume,
    DetachVolume,
    GrowVolume,
)
from controller.actions.volumes_kept import (
    CloneVolume,
    DropVolumeSnapshot,
    RollBackVolume,
    SnapshotVolume,
)
from controller.actions.volumes_moving import MoveVolume

ACTIONS: dict[str, type[Action]] = {
    "vm.create": CreateVm,
    "vm.start": StartVm,
    "vm.stop": StopVm,
    "vm.delete": DeleteVm,
    "vm.pause": PauseVm,
    "vm.resume": ResumeVm,
    "vm.reset": ResetVm,
    "vm.resize": ResizeVm,
    "vm.nic.add": AddNic,
    "vm.nic.remove": RemoveNic,
    "vm.snapshot": SnapshotVm,
    "vm.rollback": RollbackVm,
    "vm.snapshot.drop": DropVmSnapshot,
    "vm.clone": CloneVm,
    "vm.migrate": MigrateVm,
    "vm.mend": MendVm,
    "vm.accept": AcceptVm,
    "vm.console": OpenConsole,
    "volume.create": CreateVolume,
    "volume.attach": AttachVolume,
    "volume.detach": DetachVolume,
    "volume.grow": GrowVolume,
    "volume.snapshot": SnapshotVolume,
    "volume.rollback": RollBackVolume,
    "volume.snapshot.drop": DropVolumeSnapshot,
    "volume.clone": CloneVolume,
    "volume.move": MoveVolume,
    "volume.delete": DeleteVolume,
    "template.import": ImportTemplate,
    "template.check": CheckTemplate,
    "template.remove": RemoveTemplate,
    "module.trust": TrustVendor,
    "module.install": InstallModule,
    "module.approve": ApproveModule,
    "module.remove": RemoveModule,
    "gateway.prove": ProveGateway,
    "gateway.channel.propose": ProposeChange,
    "gateway.channel.pause": PauseChannel,
    "gateway.channel.resume": ResumeChannel,
    "gateway.change.try": TryChange,
    "gateway.change.approve": ApproveChange,
    "gateway.change.reject": RejectChange,
    "gateway.dead.rerun": RerunDead,
    "gateway.dead.drop": DropDead,
    "gateway.peer.issue": IssuePeer,
    "gateway.signatures.import": ImportSignatures,
    "gateway.look": LookBody,
    "gateway.export": ExportTransfers,
    "gateway.report": MakeReport,
    "gateway.alert.ack": AcknowledgeAlert,
    "gateway.index": RebuildIndex,
    "compliance.run": RunCompliance,
    "compliance.answer": AnswerQuestion,
    "compliance.answer.approve": ApproveAnswer,
    "compliance.answer.withdraw": WithdrawAnswer,
    "compliance.waiver.ask": AskWaiver,
    "compliance.waiver.approve": ApproveWaiver,
    "compliance.waiver.withdraw": WithdrawWaiver,
    "compliance.object.set": SetObject,
    "compliance.object.remove": RemoveObject,
    "compliance.option.set": SetChoice,
    "compliance.schedule.set": SetSchedule,
    "compliance.mend.plan": PlanMending,
    "compliance.mend": MendFindings,
    "compliance.undo": UndoMending,
    "node.inspect": InspectNode,
    "node.join": JoinNode,
    "node.configure": ConfigureNode,
    "node.drain": DrainNode,
    "node.restore": RestoreNode,
    "node.remove": RemoveNode,
    "storage.setup": SetUpStorage,
    "storage.disk.add": AddDisk,
    "storage.disk.remove": RemoveDisk,
    "storage.disk.replace": ReplaceDisk,
    "account.add": AddAccount,
    "account.disable": DisableAccount,
    "account.unlock": UnlockAccount,
    "account.reset": ResetAccount,
    "tenant.set": SetTenant,
    "tenant.remove": RemoveTenant,
    "grant.add": AddGrant,
    "grant.remove": RemoveGrant,
}
"""Every action there is, by kind. The worker runs nothing that is not here."""

"""What may be asked of the box, one frozen dataclass per verb."""

from controller.actions.accounts import AddAccount, DisableAccount
from controller.actions.base import Action
from controller.actions.channels import ApproveChange, ProposeChange, RejectChange, TryChange
from controller.actions.compliance import RunCompliance
from controller.actions.gateway import ProveGateway
from controller.actions.modules import ApproveModule, InstallModule, RemoveModule, TrustVendor
from controller.actions.nodes import InspectNode
from controller.actions.orders import DropDead, PauseChannel, RerunDead, ResumeChannel
from controller.actions.peers import IssuePeer
from controller.actions.signatures import ImportSignatures
from controller.actions.supervision import (
    AcknowledgeAlert,
    ExportTransfers,
    LookBody,
    MakeReport,
    RebuildIndex,
)
from controller.actions.vms import CreateVm, DeleteVm, StartVm, StopVm

ACTIONS: dict[str, type[Action]] = {
    "vm.create": CreateVm,
    "vm.start": StartVm,
    "vm.stop": StopVm,
    "vm.delete": DeleteVm,
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
    "node.inspect": InspectNode,
    "account.add": AddAccount,
    "account.disable": DisableAccount,
}
"""Every action there is, by kind. The worker runs nothing that is not here."""

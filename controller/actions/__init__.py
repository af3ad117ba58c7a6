"""What may be asked of the box, one frozen dataclass per verb."""

from controller.actions.accounts import AddAccount, DisableAccount
from controller.actions.base import Action
from controller.actions.compliance import RunCompliance
from controller.actions.gateway import ProveGateway
from controller.actions.modules import ApproveModule, InstallModule, RemoveModule, TrustVendor
from controller.actions.nodes import InspectNode
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
    "compliance.run": RunCompliance,
    "node.inspect": InspectNode,
    "account.add": AddAccount,
    "account.disable": DisableAccount,
}
"""Every action there is, by kind. The worker runs nothing that is not here."""

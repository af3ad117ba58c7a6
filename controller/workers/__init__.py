"""How each action is carried out: one function per action, giving the job's steps."""

from collections.abc import Callable, Sequence
from typing import Any

from controller.jobs.steps import Step
from controller.workers import accounts, compliance, gateway, modules, nodes, vms
from controller.workers.site import Site

# Each function takes its own action's class; the table is keyed by that class's `kind`.
WORKERS: dict[str, Callable[[Any, Site], Sequence[Step]]] = {
    "vm.create": vms.create,
    "vm.start": vms.start,
    "vm.stop": vms.stop,
    "vm.delete": vms.delete,
    "module.trust": modules.trust_vendor,
    "module.install": modules.install,
    "module.approve": modules.approve,
    "module.remove": modules.remove,
    "gateway.prove": gateway.prove,
    "compliance.run": compliance.run,
    "node.inspect": nodes.inspect,
    "account.add": accounts.add,
    "account.disable": accounts.disable,
}
"""Every kind of action and how it is carried out. A test compares it with the table of actions."""

"""How each action is carried out: one function per action, giving the job's steps."""

from collections.abc import Callable, Sequence
from typing import Any

from controller.jobs.steps import Step
from controller.workers import (
    accounts,
    changes,
    compliance,
    exports,
    gateway,
    looks,
    modules,
    nodes,
    orders,
    peers,
    reports,
    signatures,
    supervision,
    trial,
    vms,
)
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
    "gateway.channel.propose": changes.propose,
    "gateway.channel.pause": orders.pause,
    "gateway.channel.resume": orders.resume,
    "gateway.change.try": trial.try_change,
    "gateway.change.approve": changes.approve,
    "gateway.change.reject": changes.reject,
    "gateway.dead.rerun": orders.rerun,
    "gateway.dead.drop": orders.drop,
    "gateway.peer.issue": peers.issue,
    "gateway.signatures.import": signatures.take,
    "gateway.look": looks.look,
    "gateway.export": exports.export,
    "gateway.report": reports.make,
    "gateway.alert.ack": supervision.acknowledge,
    "gateway.index": supervision.rebuild,
    "compliance.run": compliance.run,
    "node.inspect": nodes.inspect,
    "account.add": accounts.add,
    "account.disable": accounts.disable,
}
"""Every kind of action and how it is carried out. A test compares it with the table of actions."""

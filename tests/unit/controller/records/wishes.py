"""The smallest wish for a machine, whatever fields the action has."""

from dataclasses import fields

from appliance import chance
from controller.actions.vms import CreateVm

_GIVEN = {
    "zone": "extranet",
    "vcpus": 1,
    "memory_mib": 128,
    "disk_gib": 2,
    "start": False,
    "storage": "dir",
}


def creation(name: str, node: str) -> CreateVm:
    """Ask for a stopped machine on `node`."""
    plain = {f.name: "" for f in fields(CreateVm)}
    return CreateVm(**plain | _GIVEN | {"vm_id": chance.new_id(), "name": name, "node": node})

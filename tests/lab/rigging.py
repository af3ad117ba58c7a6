"""The host's side of rig.py: a box's state of its own inside a lab node, jobs asked for and worked."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHON = "/usr/lib/hbox/venv/bin/python"
SCRIPT = Path(__file__).with_name("rig.py")


@dataclass(frozen=True)
class Wish:
    """A VM's id, and the words to rig.py that ask for it."""

    vm: str
    words: tuple[str, ...]


def wish(kind: str, **fields: Any) -> tuple[str, ...]:
    """Words to rig.py that ask for a job."""
    return ("submit", kind, json.dumps(fields))


@dataclass
class Rig:
    """One state folder in one node. Every call is a process of its own in the node."""

    node: Any
    state: str

    @classmethod
    def new(cls, node: Any) -> "Rig":
        node.write("/root/rig.py", SCRIPT.read_bytes())
        for bridge in ("br-int", "br-ext"):
            if node.run(["ip", "link", "show", bridge], check=False).code != 0:
                node.run(["ip", "link", "add", bridge, "type", "bridge"])
                node.run(["ip", "link", "set", bridge, "up"])
        rig = cls(node, f"/var/lib/hbox-rig-{uuid.uuid4().hex[:8]}")
        rig("prepare")
        return rig

    def __call__(self, *arguments: str, check: bool = True, timeout: float = 900) -> Any:
        # Through a shell: ssh reports a program killed by a signal like a lost connection.
        argv = ["sh", "-c", '"$@"; exit $?', "sh", PYTHON, "/root/rig.py", self.state, *arguments]
        return self.node.run(argv, check=check, timeout=timeout)

    @property
    def host(self) -> str:
        return self.node.name

    def ask(self, kind: str, **fields: Any) -> str:
        return self(*wish(kind, **fields)).text.strip()

    def creation(self, name: str, *, zone: str = "extranet", start: bool = False) -> "Wish":
        """What must be said to create a small VM, and its id."""
        vm = str(uuid.uuid4())
        fields = {"vm_id": vm, "name": name, "zone": zone, "node": self.host, "start": start}
        size = {"vcpus": 1, "memory_mib": 512, "disk_gib": 2, "storage": "dir"}
        none = dict.fromkeys(("tenant", "template_id", "apart", "user_data"), "")
        return Wish(vm, wish("vm.create", **fields, **size, **none))

    def create(self, name: str, *, zone: str = "extranet", start: bool = False) -> str:
        made = self.creation(name, zone=zone, start=start)
        self(*made.words)
        return made.vm

    def work(self, *, libvirtd: tuple[str, str] | None = None) -> dict[str, Any]:
        """Work until all jobs ended (`libvirtd` is killed at that boundary); return what is there."""
        hit = ("--libvirtd", *libvirtd) if libvirtd else ()
        return json.loads(self("work", *hit, "+", "dump").text)

    def die_at(self, step: str, phase: str, *first: str) -> None:
        """Work, after saying `first`, until the worker kills itself at that boundary; it must."""
        before = (*first, "+") if first else ()
        done = self(*before, "work", "--die", step, phase, check=False)
        assert done.code == 137, f"it did not die at {step}/{phase}: {done.err[-2000:]!r}"

    def dump(self) -> dict[str, Any]:
        return json.loads(self("dump").text)

    def job(self, job_id: str) -> dict[str, Any]:
        return next(job for job in self.dump()["jobs"] if job["id"] == job_id)

    def erase(self) -> None:
        """Take away what tests left: domains of this rig's VMs and the state folder."""
        self.undefine()
        self.node.run(["rm", "-rf", self.state])

    def undefine(self) -> None:
        """Take away the domains of this rig's VMs."""
        for vm in {row["id"] for row in self.dump()["vms"]} | set(self.dump()["owners"]):
            self.node.run(["virsh", "destroy", vm], check=False)
            self.node.run(["virsh", "undefine", vm], check=False)

"""A box of three nodes as its administrator works it: every deed is one `hbox` command on a node."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from appliance.clock import monotonic, pause
from images import lab

LONG = 900.0  # seconds that one command may take here


@dataclass
class ThreeNodes:
    """The lab and what is asked of it; `home` is the node that the controller runs on."""

    lab: lab.Lab

    @property
    def home(self) -> lab.LabNode:
        return self.lab.nodes[0]

    @property
    def names(self) -> list[str]:
        return [node.name for node in self.lab.nodes]

    def wait(self, limit: float = 300.0) -> None:
        """Wait until every node's own controller answers."""
        end = monotonic() + limit
        for node in self.lab.nodes:
            while node.run(["hbox", "status"], check=False).code != 0:
                assert monotonic() < end, f"{node.name} does not answer"
                pause(1)

    def hbox(self, *words: str, on: int = 0) -> str:
        """Run one command; a code other than 0 raises with what it said."""
        return self.lab.nodes[on].run(["hbox", *words], timeout=LONG).text

    def ask(self, *words: str) -> Any:
        """Run one command for its JSON."""
        return json.loads(self.hbox(*words, "--format", "json"))

    def join(self, number: int, *, replace: bool = False) -> None:
        """Bring a node in by a token of its own."""
        again = ["--replace"] if replace else []
        token = self.ask("node", "token", "--name", self.names[number], *again)["token"]
        self.hbox("node", "join", token, on=number)

    def health(self) -> dict[str, Any]:
        """What Ceph itself says; anything muted counts as not healthy."""
        said = json.loads(self.home.run(["ceph", "health", "detail", "--format", "json"]).text)
        said["muted"] = [c for c, v in said.get("checks", {}).items() if v.get("muted")] + said[
            "mutes"
        ]
        return said

    def healthy(self, limit: float = 240.0) -> None:
        """Wait until Ceph is HEALTH_OK with nothing muted."""
        end = monotonic() + limit
        while (said := self.health())["status"] != "HEALTH_OK" or said["muted"]:
            assert monotonic() < end, said
            pause(2)

    def seen_away(self, name: str, limit: float = 120.0) -> None:
        """Wait until the controller shows that the node does not answer."""
        end = monotonic() + limit
        while not self.ask("node", "show", name)["why"]:
            assert monotonic() < end, f"{name} still answers"
            pause(1)

    def vm(self, name: str) -> dict[str, Any]:
        return self.ask("vm", "show", name)

    def serial(self, name: str) -> str:
        """What a person at a terminal of the home node sees of the machine's serial line in a few seconds."""
        look = f"(sleep 6; printf '\\r'; sleep 6; printf '\\035'; sleep 1) | script -qec 'hbox vm console {name}' /dev/null"
        return self.home.run(["sh", "-c", look], timeout=120).text

    def where(self, name: str) -> list[str]:
        """Nodes whose own engine says that the machine runs there."""
        ident = self.vm(name)["id"]
        return [
            node.name
            for node in self.lab.nodes
            if ident in node.run(["virsh", "list", "--uuid"], timeout=60).text.split()
        ]

    def guest(self, name: str, script: str, *, limit: float = 120.0) -> str:
        """Run a shell script inside the guest through its agent, on the node where it is now."""
        ident = self.vm(name)["id"]
        (where,) = self.where(name)
        node = next(n for n in self.lab.nodes if n.name == where)
        asked = {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
        started = _agent(node, ident, "guest-exec", asked)
        end = monotonic() + limit
        while not (said := _agent(node, ident, "guest-exec-status", {"pid": started["pid"]}))[
            "exited"
        ]:
            assert monotonic() < end, f"the guest did not end {script!r}"
            pause(1)
        assert said["exitcode"] == 0, said
        return _decoded(said.get("out-data", ""))


def _agent(node: lab.LabNode, ident: str, execute: str, arguments: dict[str, Any]) -> Any:
    line = json.dumps({"execute": execute, "arguments": arguments})
    said = node.run(["virsh", "qemu-agent-command", ident, "--timeout", "60", line], timeout=90)
    return json.loads(said.text)["return"]


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode("utf-8", "replace")

"""The box's own record of approved modules, and bringing firewall and gateway to what it says."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from appliance import clock
from appliance.errors import Conflict, Text
from appliance.files import write_atomically
from appliance.sdk import manifest as manifests
from appliance.signing import SigningKey
from controller.jobs.steps import Say
from controller.workers import nodes_network
from controller.workers.changebook import ChangeBook
from controller.workers.openings import Approved, whole
from controller.workers.site import Site
from network.gateway import policy
from network.gateway.sealed import FILE, parted


class RequesterUnknown(Conflict):
    """Nobody is on record as having brought this bundle in, so that no second person can be told."""

    code = "module.requester_unknown"
    text = Text(
        "没有模块 {module} 的安装人记录", "Nobody is on record as having installed {module}"
    )
    hint = Text("请移除后重新安装。", "Remove it and install it again.")


@dataclass(frozen=True)
class Approvals:
    """One JSON file per approved module below `modules/approved/`, written by root only.

    The rows only show it: a row written by somebody else opens nothing.
    """

    site: Site

    @property
    def _folder(self) -> Path:
        return self.site.settings.state / "modules" / "approved"

    def add(self, approved: Approved) -> None:
        """Record an approval; the same module again replaces it."""
        kept = {
            "manifest": approved.manifest.model_dump(mode="json", by_alias=True),
            "address": approved.address,
            "approver": approved.approver,
            "requester": approved.requester,
        }
        data = json.dumps(kept, ensure_ascii=False).encode()
        write_atomically(self._path(approved.manifest.id), data, mode=0o600)

    def withdraw(self, module: str) -> None:
        """Record that nothing of this module is approved any more."""
        self._path(module).unlink(missing_ok=True)

    def all(self) -> tuple[Approved, ...]:
        """Return every approval, by module id."""
        found = (json.loads(path.read_bytes()) for path in sorted(self._folder.glob("*.json")))
        return tuple(
            Approved(
                manifests.from_dict(raw["manifest"]),
                raw["address"],
                raw["approver"],
                raw.get("requester", ""),
            )
            for raw in found
        )

    def asked(self, module: str, digest: str, requester: str) -> None:
        """Record who brought exactly this bundle in: whoever approves it must be another person."""
        data = json.dumps({"digest": digest, "requester": requester}).encode()
        write_atomically(self._asked_path(module), data, mode=0o600)

    def requester(self, module: str, digest: str) -> str:
        """Return who brought this bundle in; raises `RequesterUnknown`."""
        try:
            held = json.loads(self._asked_path(module).read_bytes())
        except FileNotFoundError as error:
            raise RequesterUnknown(module=module) from error
        if held["digest"] != digest:
            raise RequesterUnknown(module=module)
        return str(held["requester"])

    def enforce(self, say: Say) -> None:
        """Bring the packet filter and the gateway to exactly what is approved now.

        Everything is judged as a whole first: what does not hold changes nothing.
        """
        done = whole(self.all(), ChangeBook(self.site.settings).channels())
        opened, ways = done.flows, done.channels
        # Late: it brings pyroute2 along, 12 MB that the worker needs for this alone.
        from network import apply  # noqa: PLC0415 - see above

        apply.write_flows(opened, self.site.settings.state / "network" / "flows.json")
        # By its own unit: it makes namespaces, and what is mounted in this service stays in here.
        run = self.site.home.host.run
        run(["systemctl", "reload-or-restart", "hbox-network.service"], timeout=90)
        # Every node of the box holds the same flows: a machine may run on any of them.
        nodes_network.push(self.site, say)
        folder = self.site.settings.state / "gateway"
        key = SigningKey.load(self.site.settings.keys / "policy.key")
        issued = policy.Policy(version=self._version(folder), issued=clock.iso(), channels=ways)
        policy.write(folder, issued, key)
        run(["systemctl", "restart", "hbox-gateway.service"], timeout=90)
        for flow in opened:
            say(f"开放 open: {flow.zone} {flow.source} -> {flow.destination}:{flow.port}")
        for way in ways:
            said = " ".join(filter(None, (way.protocol, way.method, way.path)))
            say(f"通道 channel: {way.id} {way.direction} {said}")
        if not opened:
            say("没有开放任何流量 nothing is open")

    def _version(self, folder: Path) -> int:
        """One more than any issue before: the guard denies all under a policy older than it knew."""
        note = self.site.settings.state / "worker" / "policy-version"
        known = [0]
        with contextlib.suppress(OSError, ValueError, KeyError):
            known.append(int(json.loads(parted((folder / FILE).read_bytes())[1])["version"]))
        with contextlib.suppress(OSError, ValueError):
            known.append(int(note.read_text("ascii")))
        write_atomically(note, f"{max(known) + 1}\n".encode(), mode=0o600)
        return max(known) + 1

    def _asked_path(self, module: str) -> Path:
        return self.site.settings.state / "modules" / "asked" / f"{Path(module).name}.json"

    def _path(self, module: str) -> Path:
        return self._folder / f"{Path(module).name}.json"

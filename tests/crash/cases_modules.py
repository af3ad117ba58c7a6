"""Modules and compliance: guests that answer as a well module does, an inspector that finds what it found."""

import hashlib
import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from appliance.host import Result
from compliance import sandbox
from controller.actions.base import Action
from controller.actions.compliance import RunCompliance
from controller.actions.modules import ApproveModule, InstallModule, RemoveModule, TrustVendor
from controller.drivers.base import GuestResult
from controller.drivers.fake import FakeHypervisor
from controller.workers.site import Site
from tests.browser.hospital import furnished
from tests.crash.case import Case
from tests.crash.cases_vms import VM, machine, settled
from tests.crash.world import HOME, Machine, World
from tests.unit.sdk.sample import signed

MODULE = "acme-visit"
UPLOAD = "0b7f1c1e-9a44-4a52-8f0e-1d6a5f3c2b11.hmod"
_WELL = b'{"ok": true, "status": 200, "step": "done", "body": {"version": "1.2.3"}}\n'


class WellGuests(FakeHypervisor):
    """Every script in a guest ends well."""

    def run(self, vm_id, argv, *, stdin=b"", timeout=60.0):
        del argv, stdin, timeout
        return GuestResult(0, _WELL, b"")


class Inspecting(Machine):
    """The inspector's unit leaves a report, as it does on a box."""

    def run(self, argv, **given) -> Result:
        if Path(argv[0]).name == "systemd-run":
            sandbox.OUT.parent.mkdir(parents=True, exist_ok=True)
            sandbox.OUT.write_bytes(_report())
        return super().run(argv, **given)


@cache
def _report() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        hospital = furnished(Path(folder))
        [path] = (hospital.settings.state / "reports").glob("*-*-*.json")
        return json.dumps(json.loads(path.read_bytes())["report"]).encode()


def _with_well_guests(site: Site) -> Site:
    fleet = site.nodes
    state = site.settings.state
    sandbox.OUT = state / "run" / "report.json"
    sandbox.GIVEN = state / "run-given.json"
    sandbox.NODES = state / "run" / "nodes.json"
    sandbox.KNOWN_HOSTS = state / "run" / "known-hosts"
    home = replace(
        fleet.drivers[HOME],
        hypervisor=WellGuests(state / "engines" / HOME),
        host=Inspecting(state / "roots" / HOME, HOME),
    )
    fleet.drivers = {**fleet.drivers, HOME: home}
    return site


def _trusting(world: World) -> Action:
    path, trust, _key = signed(world.folder)
    uploads = world.folder / "uploads"
    uploads.mkdir(exist_ok=True)
    path.rename(uploads / UPLOAD)
    key = trust.keys[0]
    return TrustVendor(key.vendor, key.pem, " ".join(key.ids))


def _installing(world: World) -> Action:
    machine(world)
    settled(world, _trusting(world), "sue")
    digest = hashlib.sha256((world.folder / "uploads" / UPLOAD).read_bytes()).hexdigest()
    return InstallModule(MODULE, VM, UPLOAD, digest)


def _approving(world: World) -> Action:
    asked = _installing(world)
    settled(world, asked)
    return ApproveModule(MODULE, asked.digest)


def _removing(world: World) -> Action:
    settled(world, _approving(world), "sue")
    return RemoveModule(MODULE)


def _case(prepare, **more) -> list[Case]:
    return [Case(prepare, around=_with_well_guests, **more)]


CASES: dict[str, list[Case]] = {
    "module.trust": _case(_trusting, who="sue"),
    "module.install": _case(_installing),
    "module.approve": _case(_approving, who="sue"),
    "module.remove": _case(_removing, returns=False),
    "compliance.run": _case(
        lambda _world: RunCompliance(),
        ignored=frozenset(
            {f"compliance_runs.{column}" for column in ("id", "digest", "json_path", "html_path")}
        ),
    ),
}

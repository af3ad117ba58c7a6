"""What the running machines use, asked of every node and left in a file that the web process reads."""

import orjson

from appliance import clock
from appliance.errors import BoxError
from appliance.files import write_atomically
from controller.workers.site import Site

FOLDER, FILE = "metrics", "vms.json"
MOST = 2000  # machines; a file that grows without end helps nobody


def observe(site: Site) -> None:
    """Write the last known figures of all running machines; a node that does not answer is left out."""
    seen: dict[str, dict[str, object]] = {}
    for name, drivers in site.nodes.items():
        try:
            stats = drivers.hypervisor.stats()
        except BoxError:
            continue
        for vm_id, one in stats.items():
            if len(seen) < MOST:
                seen[vm_id] = {"node": name, **vars(one)}
    path = site.settings.state / FOLDER / FILE
    write_atomically(path, orjson.dumps({"at": clock.iso(), "vms": seen}), mode=0o640)

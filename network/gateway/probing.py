"""All probes of the gateway, one after the other; run as a process of its own, prints JSON.

Each says `refused`, `OPEN` or `unknown` with what was seen. A probe that could not be made is
`unknown`, never `refused`. Every layer is tried alone where that can be: what the network namespace
must stop is tried without the system call filter, what the filter must stop as the process itself.
"""

import argparse
import json
import sys
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from appliance.errors import BoxError
from network.gateway.launcher import read_layout
from network.gateway.layout import Layout
from network.gateway.probes import (
    bridges,
    calls,
    facts,
    files,
    memory,
    network,
    processes,
    standings,
)
from network.gateway.probes.base import Finding as Finding  # noqa: PLC0414 - callers know it from here
from network.gateway.probes.base import Probe, Scene, scene

PROBES: tuple[Probe, ...] = (
    network.over_sockets, network.echoes, network.over_unix, network.reconfiguration,
    bridges.hops, bridges.spoofing, bridges.patched,
    calls.sockets, calls.forbidden_calls, processes.on_others, memory.shared_memory,
    files.shared_folders, files.folders_of_others, files.mounts, files.mount_namespaces,
    files.existing_sockets, standings.pipes, standings.held_descriptors, standings.namespaces,
    standings.rights, standings.forwarding,
)  # fmt: skip
NAMES = (
    *network.NAMES, *bridges.NAMES, *calls.NAMES, *processes.NAMES, *memory.NAMES, *files.NAMES,
    *standings.NAMES,
)  # fmt: skip


def findings(layout: Layout, only: Collection[str] = ()) -> list[Finding]:
    """Make every probe, or those of the modules in `only`; one that breaks is unknown and stops no other."""
    running = scene(layout)
    wanted = [p for p in PROBES if not only or p.__module__.rpartition(".")[2] in only]
    return [finding for probe in wanted for finding in _made(probe, running)]


def _made(probe: Probe, running: Scene) -> list[Finding]:
    found = []
    try:
        for finding in probe(running):
            found.append(finding)  # noqa: PERF402 - what was found before it broke counts
    except (OSError, BoxError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        found.append(Finding(probe.__name__, "-", "-", "unknown", why))
    return found


def main() -> int:
    """Print the findings as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", type=Path)
    parser.add_argument("--only", nargs="*", default=(), help="modules of probes, such as network")
    given = parser.parse_args()
    layout = read_layout(given.layout) if given.layout else Layout()
    try:
        found = [asdict(finding) for finding in findings(layout, given.only)]
        told = {"facts": facts.facts(layout), "findings": found}
    except BoxError as error:
        sys.stderr.write(f"{error.code}: {error.message.zh} {error.message.en}\n")
        return 1
    json.dump(told, sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

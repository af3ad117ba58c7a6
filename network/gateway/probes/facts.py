"""Of what a proof was made: kernel, policy, and what each running process is, as the kernel states it."""

import os
import platform
from typing import Any

from network.gateway import seccomp
from network.gateway.layout import Layout
from network.gateway.probes.base import scene
from network.gateway.records import sm3
from network.gateway.sealed import FILE, parted
from network.gateway.standing import Standing


def facts(layout: Layout) -> dict[str, Any]:
    """Return the facts that stand in a proof; raises `NotRunning`."""
    running = scene(layout)
    kernel = os.uname()
    return {
        "kernel": f"{kernel.sysname} {kernel.release} {kernel.version} {kernel.machine}",
        "python": platform.python_version(),
        "policy": _policy(layout),
        "processes": {place.name: _process(place) for place in running.all},
    }


def _policy(layout: Layout) -> str:
    """Return the digest (SM3) under which the journal names the policy; empty without one."""
    try:
        return sm3(parted((layout.folder / FILE).read_bytes())[1]).hex()
    except (OSError, ValueError):
        return ""


def _process(place: Standing) -> dict[str, Any]:
    return {
        "uid": place.account.uid,
        "groups": list(place.groups),
        "capabilities": f"{place.capabilities:x}",
        "bounding": f"{place.bounding:x}",
        "no_new_privileges": place.no_new_privileges,
        "seccomp": place.seccomp,
        "filter": seccomp.described(seccomp.FILTERS[place.name]()),
        "namespaces": {kind: place.namespace(kind) for kind in ("net", "mnt", "ipc")},
    }

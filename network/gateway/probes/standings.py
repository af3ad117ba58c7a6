"""What is read back of the running processes: rights, namespaces, descriptors, pipes, the host's settings."""

import json
import os
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from appliance.host import LocalHost
from network import sysctl
from network.firewall import TABLE
from network.gateway import ways
from network.gateway.probes.base import Finding, Scene, judged
from network.gateway.standing import Standing, ask


def pipes(scene: Scene) -> Iterator[Finding]:
    """Every end of a pipe that joins two of the processes, opened the other way round by its holder."""
    held_by = [{link for _, link, _ in descriptors(place)} for place in scene.all]
    for place in scene.all:
        for number, link, flags in descriptors(place):
            # A pipe that one process holds alone (its event loop's) leads nowhere.
            if not link.startswith("pipe:") or sum(link in held for held in held_by) < 2:
                continue
            reading = flags & 3 == os.O_RDONLY
            original, reverse = (
                (os.O_RDONLY, os.O_WRONLY) if reading else (os.O_WRONLY, os.O_RDONLY)
            )
            held = os.open(f"/proc/{place.pid}/fd/{number}", original | os.O_NONBLOCK)
            try:
                told = ask(place, ways.reopening(held, reverse), filtered=False)
            finally:
                os.close(held)
            verdict = judged("refused" in told, "open" in told)
            yield Finding("pipe-reopen", place.name, link, verdict, str(told))


def descriptors(place: Standing) -> list[tuple[int, str, int]]:
    """Return number, target and flags of every open descriptor of a running process."""
    found = []
    for entry in sorted(Path(f"/proc/{place.pid}/fd").iterdir(), key=lambda p: int(p.name)):
        flags = place.read(f"fdinfo/{entry.name}").split("flags:")[1].split()[0]
        found.append((int(entry.name), str(entry.readlink()), int(flags, 8)))
    return found


def held_descriptors(scene: Scene) -> Iterator[Finding]:
    """Nothing but the guard's pipes joins two of them, and the guard holds no socket at all."""
    names = {
        place.name: {
            link for _, link, _ in descriptors(place) if ":[" in link and "anon" not in link
        }
        for place in scene.all
    }
    for one, other in combinations(("front", "back", "scan"), 2):
        joined = names[one] & names[other]
        verdict = judged(refused=True, is_open=bool(joined))
        yield Finding(
            "direct-descriptor", one, other, verdict, f"held by both: {sorted(joined) or 'none'}"
        )
    for name in ("guard", "scan"):
        sockets = sorted(link for link in names[name] if link.startswith("socket:"))
        # The scanner's connection to clamd, while it scans, is a Unix socket of its own making.
        bad = bool(sockets) and name == "guard"
        evidence = f"sockets: {sockets or 'none'}; pipes: {len(names[name])}"
        yield Finding("guard-holds-socket", name, "-", judged(refused=True, is_open=bad), evidence)


def namespaces(scene: Scene) -> Iterator[Finding]:
    """Own network and IPC namespaces; only `lo` and one NIC in a leg, a dead `lo` in guard and scanner."""
    for kind in ("net", "ipc"):
        here = str(Path(f"/proc/self/ns/{kind}").readlink())
        names = [here, *(place.namespace(kind) for place in scene.all)]
        same = len(set(names)) < len(names)
        name = "one-namespace" if kind == "net" else "one-ipc-namespace"
        yield Finding(name, "all", "all", judged(refused=True, is_open=same), str(names))
    for place in scene.all:
        allowed = {"lo", "eth0"} if place in scene.legs else {"lo"}
        found = {line.split(":")[0].strip() for line in place.read("net/dev").splitlines()[2:]}
        more = sorted(found - allowed)
        verdict = judged(refused=True, is_open=bool(more))
        yield Finding("extra-interface", place.name, "-", verdict, f"interfaces {sorted(found)}")
    for place in (scene.guard, scene.scan):
        told = ask(place, ways.loopback_flags, as_root=True)
        verdict = judged("up" in told, bool(told.get("up")))
        yield Finding("guard-loopback", place.name, "-", verdict, str(told))


def rights(scene: Scene) -> Iterator[Finding]:
    """User, groups, capabilities, no_new_privs and filter of the really running processes."""
    users = [place.account.uid for place in scene.all]
    for place in scene.all:
        facts = (
            f"uid {place.account.uid}, groups {place.groups}, CapEff {place.capabilities:x}, "
            f"CapBnd {place.bounding:x}, NoNewPrivs {place.no_new_privileges}, Seccomp {place.seccomp}"
        )
        too_much = (
            place.account.uid == 0
            or users.count(place.account.uid) > 1
            or bool(place.groups)
            or bool(place.capabilities | place.bounding)
            or not (place.no_new_privileges and place.seccomp)
        )
        yield Finding("rights", place.name, "-", judged(refused=True, is_open=too_much), facts)


def forwarding(scene: Scene) -> Iterator[Finding]:
    """The host forwards nothing: settings and filter, read back."""
    wrong = [(s.key, held) for s, held in sysctl.wrong(scene.layout.plan)]
    verdict = judged(refused=True, is_open=bool(wrong))
    yield Finding("settings", "host", "-", verdict, f"wrong: {wrong or 'none'}")
    for family, name in (("inet", "forward-drop"), ("bridge", "bridge-drop")):
        told = LocalHost().run(
            ["nft", "-j", "list", "chain", family, TABLE, "forward"], check=False
        )
        items = json.loads(told.out or b'{"nftables": []}')["nftables"]
        dropping = any(item.get("chain", {}).get("policy") == "drop" for item in items)
        rules = sum("rule" in item for item in items)
        # Between the zones nothing is let through; inside one, only what the flows name.
        is_open = not dropping or (family == "inet" and rules > 0)
        evidence = f"policy drop: {dropping}, rules: {rules}"
        yield Finding(name, "host", "-", judged(refused=True, is_open=is_open), evidence)


NAMES = (
    "pipe-reopen", "direct-descriptor", "guard-holds-socket", "one-namespace", "one-ipc-namespace",
    "extra-interface", "guard-loopback", "rights", "settings", "forward-drop", "bridge-drop",
)  # fmt: skip

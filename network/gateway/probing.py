"""All probes of the gateway, one after the other; run as a process of its own, prints JSON.

Each says `refused`, `OPEN` or `unknown` with what was seen. A probe that could not be made is
`unknown`, never `refused`.
"""

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from appliance.errors import BoxError
from appliance.host import LocalHost
from network import sysctl
from network.firewall import TABLE
from network.gateway import ways
from network.gateway.launcher import read_layout
from network.gateway.layout import Layout
from network.gateway.standing import Child, Standing, Told, ask, standing

Verdict = Literal["refused", "OPEN", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What one probe saw: its name, from where to where it went, the verdict and the evidence."""

    probe: str
    source: str
    target: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class Scene:
    """The three running processes and how they were laid out."""

    layout: Layout
    front: Standing
    guard: Standing
    back: Standing

    @property
    def pairs(self) -> tuple[tuple[Standing, Standing], ...]:
        """Both directions between the legs."""
        return ((self.front, self.back), (self.back, self.front))

    @property
    def all(self) -> tuple[Standing, ...]:
        """All three."""
        return (self.front, self.guard, self.back)


def scene(layout: Layout) -> Scene:
    """Read the running gateway; raises `NotRunning`."""
    try:
        pids = json.loads(layout.pids.read_bytes())
    except (OSError, ValueError):
        pids = {}
    return Scene(layout, *(standing(n, int(pids.get(n, 0))) for n in ("front", "guard", "back")))


def judged(refused: bool | None, is_open: bool) -> Verdict:  # noqa: FBT001 - a truth table
    """OPEN wins; refused must have been seen; else unknown."""
    if is_open:
        return "OPEN"
    return "refused" if refused else "unknown"


def over_sockets(scene: Scene) -> Iterator[Finding]:
    """TCP and UDP over IPv4 and IPv6, both ways."""
    kinds = ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp"))
    for family, version in ((socket.AF_INET, "4"), (socket.AF_INET6, "6")):
        for kind, name in kinds:
            for source, target in scene.pairs:
                yield _over_socket((family, kind), name + version, source, target)


def _over_socket(
    way: tuple[socket.AddressFamily, socket.SocketKind],
    name: str,
    source: Standing,
    target: Standing,
) -> Finding:
    family, kind = way
    zone_default = "10.255.255.1" if family == socket.AF_INET else "2001:db8::1"
    there = ways.addresses(target, family)
    listener = Child(target, ways.listening(family, kind))
    try:
        ready = listener.hear()
        if "port" not in ready:
            return Finding(name, source.name, target.name, "unknown", f"no listener: {ready}")
        tried = ways.reaching(family, kind, there or [zone_default], int(ready["port"]))
        reached = ask(source, tried)
        listener.nudge()
        got = listener.hear()
    finally:
        listener.end()
    evidence = f"targets {there or 'none (other leg has no such address)'}; {reached.get('ends')}; far side got {got.get('got')!r}"
    # A datagram "sent" into nowhere is no proof; what the far side got decides.
    verdict = judged("ends" in reached and got.get("got") == "", bool(got.get("got")))
    return Finding(name, source.name, target.name, verdict, evidence)


def over_unix(scene: Scene) -> Iterator[Finding]:
    """Unix sockets by path and by abstract name, and a descriptor passed over them."""
    for abstract, name in ((False, "unix-path"), (True, "unix-abstract")):
        for source, target in scene.pairs:
            yield from _over_unix(name, source, target, abstract=abstract)


def _over_unix(
    name: str, source: Standing, target: Standing, *, abstract: bool
) -> Iterator[Finding]:
    listener = Child(target, ways.unix_listening(abstract=abstract))
    try:
        ready = listener.hear()
        sent: Told = {}
        heard: Told = {}
        if "name" in ready:
            sent = ask(source, ways.unix_reaching(ready["name"]))
            listener.nudge()
            heard = listener.hear()
    finally:
        listener.end()
    evidence = "; ".join(f"{told}" for told in (ready, sent, heard) if told)
    refused = "refused" in ready or (bool(sent.get("end")) and sent.get("end") != "sent")
    connected = sent.get("end") == "sent" or bool(heard.get("got"))
    yield Finding(name, source.name, target.name, judged(refused, connected), evidence)
    passed = heard.get("passed", "0") != "0"
    verdict = judged(refused, passed)
    yield Finding(f"{name}-descriptor", source.name, target.name, verdict, evidence)


def shared_files(scene: Scene) -> Iterator[Finding]:
    """Folders that both legs may write to."""
    able = [ask(leg, ways.meeting_in_a_folder(leg.name)) for leg in (scene.front, scene.back)]
    both = set.intersection(*(set(told.get("able", "").split()) for told in able))
    known = all("able" in told for told in able)
    evidence = f"writable for both: {sorted(both) or 'none'}; {able}"
    yield Finding("shared-folder", "front", "back", judged(known, bool(both)), evidence)


def pipes(scene: Scene) -> Iterator[Finding]:
    """Every end of a pipe that joins two of the processes, opened the other way round by its holder."""
    held_by = [{link for _, link, _ in descriptors(place)} for place in scene.all]
    for place in scene.all:
        for number, link, flags in descriptors(place):
            # A pipe that one process holds alone (its event loop's) leads nowhere.
            if not link.startswith("pipe:") or sum(link in held for held in held_by) < 2:
                continue
            original, reverse = (
                (os.O_RDONLY, os.O_WRONLY)
                if flags & 3 == os.O_RDONLY
                else (os.O_WRONLY, os.O_RDONLY)
            )
            held = os.open(f"/proc/{place.pid}/fd/{number}", original | os.O_NONBLOCK)
            try:
                told = ask(place, ways.reopening(held, reverse))
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
    """No pipe or socket joins the legs directly, and the guard holds no socket at all."""
    names = {
        place.name: {
            link for _, link, _ in descriptors(place) if ":[" in link and "anon" not in link
        }
        for place in scene.all
    }
    joined = names["front"] & names["back"]
    yield Finding(
        "direct-descriptor", "front", "back", judged(refused=True, is_open=bool(joined)),
        f"held by both: {sorted(joined) or 'none'}",
    )  # fmt: skip
    sockets = sorted(link for link in names["guard"] if link.startswith("socket:"))
    yield Finding(
        "guard-holds-socket", "guard", "-", judged(refused=True, is_open=bool(sockets)),
        f"sockets: {sockets or 'none'}; pipes: {len(names['guard'])}",
    )  # fmt: skip


def reconfiguration(scene: Scene) -> Iterator[Finding]:
    """A leg that adds an address or a route, or changes its link."""
    for leg in (scene.front, scene.back):
        for what in ("address", "route", "link"):
            told = ask(leg, ways.reconfiguring(what))
            verdict = judged("refused" in told, "open" in told)
            yield Finding(f"add-{what}", leg.name, "its own namespace", verdict, str(told))


def namespaces(scene: Scene) -> Iterator[Finding]:
    """Four different network namespaces; only `lo` and one NIC in a leg, a dead `lo` in the guard."""
    here = str(Path("/proc/self/ns/net").readlink())
    names = [here, *(place.namespace("net") for place in scene.all)]
    same = len(set(names)) < len(names)
    yield Finding("one-namespace", "all", "all", judged(refused=True, is_open=same), str(names))
    for place, allowed in (
        (scene.front, {"lo", "eth0"}),
        (scene.back, {"lo", "eth0"}),
        (scene.guard, {"lo"}),
    ):
        found = {line.split(":")[0].strip() for line in place.read("net/dev").splitlines()[2:]}
        more = sorted(found - allowed)
        verdict = judged(refused=True, is_open=bool(more))
        yield Finding("extra-interface", place.name, "-", verdict, f"interfaces {sorted(found)}")
    told = ask(scene.guard, ways.loopback_flags, as_root=True)
    yield Finding(
        "guard-loopback", "guard", "-", judged("up" in told, bool(told.get("up"))), str(told)
    )


def rights(scene: Scene) -> Iterator[Finding]:
    """User, capabilities, no_new_privs and filter of the really running processes."""
    for place in scene.all:
        facts = f"uid {place.account.uid}, CapEff {place.capabilities:x}, CapBnd {place.bounding:x}, NoNewPrivs {place.no_new_privileges}, Seccomp {place.seccomp}"
        too_much = (
            place.account.uid == 0
            or bool(place.capabilities | place.bounding)
            or not (place.no_new_privileges and place.seccomp)
        )
        yield Finding("rights", place.name, "-", judged(refused=True, is_open=too_much), facts)
    told = ask(scene.guard, ways.making_a_socket)
    yield Finding(
        "guard-socket", "guard", "-", judged("made" in told, bool(told.get("made"))), str(told)
    )


def forwarding(scene: Scene) -> Iterator[Finding]:
    """The host forwards nothing: settings and filter, read back."""
    wrong = [(s.key, held) for s, held in sysctl.wrong(scene.layout.plan)]
    yield Finding(
        "settings",
        "host",
        "-",
        judged(refused=True, is_open=bool(wrong)),
        f"wrong: {wrong or 'none'}",
    )
    chain = LocalHost().run(["nft", "-j", "list", "chain", "inet", TABLE, "forward"], check=False)
    items = json.loads(chain.out or b'{"nftables": []}')["nftables"]
    dropping = any(item.get("chain", {}).get("policy") == "drop" for item in items)
    rules = sum("rule" in item for item in items)
    verdict = judged(refused=True, is_open=not dropping or rules > 0)
    yield Finding("forward-drop", "host", "-", verdict, f"policy drop: {dropping}, rules: {rules}")


PROBES: tuple[Callable[[Scene], Iterator[Finding]], ...] = (
    over_sockets, over_unix, shared_files, pipes, held_descriptors,
    reconfiguration, namespaces, rights, forwarding,
)  # fmt: skip


def findings(layout: Layout) -> list[Finding]:
    """Make every probe; one that breaks is unknown and stops no other."""
    running = scene(layout)
    found: list[Finding] = []
    for probe in PROBES:
        try:
            found += probe(running)
        except (OSError, BoxError, ValueError) as error:
            found.append(
                Finding(probe.__name__, "-", "-", "unknown", f"{type(error).__name__}: {error}")
            )
    return found


def main() -> int:
    """Print the findings as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", type=Path)
    given = parser.parse_args()
    try:
        found = findings(read_layout(given.layout) if given.layout else Layout())
    except BoxError as error:
        sys.stderr.write(f"{error.code}: {error.message.zh} {error.message.en}\n")
        return 1
    json.dump([asdict(one) for one in found], sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Hops between the zones below IP and through the host, and false senders inside one: frames made by hand."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from appliance import nic
from appliance.chance import raw
from appliance.clock import pause
from network import apply
from network.gateway import craft, plugged
from network.gateway.probes.base import Finding, Scene, judged
from network.gateway.standing import Child, Standing, ask
from network.zones import Zone

_TIME = 0.15  # seconds for frames to arrive; the way is a few microseconds long
_GROUPS = ("bridge-hop", "vlan-hop", "host-forward")
_BPDU = bytes.fromhex("0180c2000000")


def _stranger(zone: Zone) -> str:
    return f"{zone.subnet.rpartition('.')[0]}.253"


def hop_frames(near: Zone, far: Zone, bridges: dict[str, str], word: bytes) -> dict[str, bytes]:
    """Return frames by label `group:what`, to be sent in `near` so that they might be heard in `far`."""
    of = craft.mac(nic.mac(_stranger(near)))
    own, other = craft.mac(bridges[near.name]), craft.mac(bridges[far.name])
    leg = craft.mac(nic.mac(near.leg_address))
    plain, forwarded = _stranger(near), far.leg_address
    frames = {}

    def add(label: str, to: bytes, sender: bytes, kind: int, *tags: tuple[int, int]) -> None:
        said = word + label.encode() + b"\0"
        payload = {
            craft.ARP: craft.arp(sender, plain, forwarded, said),
            craft.IPV4: craft.udp4(plain, forwarded, said),
            craft.IPV6: craft.udp6(said),
        }.get(kind, said)
        frames[label] = craft.ethernet(to, sender, kind, payload, *tags)

    for name, kind in (
        ("arp", craft.ARP),
        ("ip", craft.IPV4),
        ("ip6", craft.IPV6),
        ("own-type", craft.LOCAL),
    ):
        add(f"bridge-hop:{name}", craft.BROADCAST, of, kind)
        add(f"bridge-hop:{name}-as-other-bridge", craft.BROADCAST, other, kind)
        add(f"bridge-hop:{name}-to-other-bridge", other, of, kind)
    add("bridge-hop:spanning-tree", _BPDU, of, craft.LOCAL)
    for number in (0, 1, 2, 66, 4094):
        for name, kind in (("arp", craft.ARP), ("ip", craft.IPV4)):
            add(f"vlan-hop:{name}-{number}", craft.BROADCAST, of, kind, (craft.VLAN, number))
    add("vlan-hop:double", craft.BROADCAST, of, craft.ARP, (craft.VLAN, 1), (craft.VLAN, 2))
    add("vlan-hop:provider", craft.BROADCAST, of, craft.ARP, (craft.PROVIDER, 1), (craft.VLAN, 2))
    add("host-forward:by-bridge", own, of, craft.IPV4)
    add("host-forward:by-leg", leg, of, craft.IPV4)
    return frames


def hops(scene: Scene) -> Iterator[Finding]:
    """From a machine and from the leg of each zone to a machine and the leg of the other one."""
    plan = scene.layout.plan
    ends = {"extranet": (plan.extranet, scene.front), "intranet": (plan.intranet, scene.back)}
    for near, far in (("extranet", "intranet"), ("intranet", "extranet")):
        yield from _hops(ends[near], ends[far])


def _hops(near: tuple[Zone, Standing], far: tuple[Zone, Standing]) -> Iterator[Finding]:
    word = b"hbox-probe" + raw(8).hex().encode()
    with plugged.plugged(near[0]) as sender, plugged.plugged(far[0]) as hearer:
        # Asked only now: a bridge may take another MAC when a port is added to it.
        bridges = plugged.bridge_macs((near[0], far[0]))
        frames = hop_frames(near[0], far[0], bridges, word)
        for source in (sender, near[1]):
            heard = _heard(
                word, (hearer, far[1]), far[0], partial(_send, source, [*frames.values()])
            )
            for group in _GROUPS:
                through = sorted(
                    {label for one in heard for label in one if label.startswith(group)}
                )
                deaf = any("control" not in one for one in heard)
                tried = sum(label.startswith(group) for label in frames)
                evidence = f"{tried} frames sent, heard beyond: {through or 'none'}; listeners {'deaf' if deaf else 'heard the control frame'}"
                verdict = judged(not deaf, bool(through))
                yield Finding(group, source.name, f"the {far[0].name}", verdict, evidence)


def _send(source: Standing, frames: list[bytes]) -> None:
    ask(source, plugged.sending(frames), as_root=True)


def _heard(
    word: bytes, hearers: tuple[Standing, ...], zone: Zone, send: Callable[[], None]
) -> list[set[str]]:
    with ExitStack() as stack:
        ears = [Child(place, plugged.listening(word), as_root=True) for place in hearers]
        for ear in ears:
            stack.callback(ear.end)
        ready = ["ready" in ear.hear() for ear in ears]
        control = craft.ethernet(
            craft.BROADCAST, craft.mac(nic.mac(_stranger(zone))), craft.LOCAL, word + b"control\0"
        )
        plugged.send_here(control, zone.bridge)
        send()
        pause(_TIME)
        for ear in ears:
            ear.nudge()
        return [
            set(ear.hear().get("heard", "").split()) if was else set()
            for ear, was in zip(ears, ready, strict=True)
        ]


def spoof_frames(zone: Zone, word: bytes) -> dict[str, bytes]:
    """Return frames that claim another sender than the port they come from, towards the zone's leg."""
    leg, stranger = craft.mac(nic.mac(zone.leg_address)), _stranger(zone)
    frames = {}
    opened = [
        f for f in apply.read_flows() if f.zone == zone.name and f.destination == zone.leg_address
    ]
    senders = sorted({(f.source, f.port) for f in opened}) or [(stranger, 8080)]
    for address, port in senders[:8]:
        for name, of in (
            ("its-mac", craft.mac(nic.mac(address))),
            ("other-mac", craft.mac(nic.mac(stranger))),
        ):
            label = f"{address}-{name}"
            said = word + label.encode() + b"\0"
            frames[label] = craft.ethernet(
                leg, of, craft.IPV4, craft.opening(address, zone.leg_address, port, said)
            )
            frames[f"{label}-arp"] = craft.ethernet(
                craft.BROADCAST,
                of,
                craft.ARP,
                craft.arp(of, address, stranger, word + label.encode() + b"-arp\0"),
            )
    return frames


def spoofing(scene: Scene) -> Iterator[Finding]:
    """A machine on a port of its own that speaks under the addresses of those who may speak to the leg."""
    plan = scene.layout.plan
    for zone, leg in ((plan.extranet, scene.front), (plan.intranet, scene.back)):
        word = b"hbox-probe" + raw(8).hex().encode()
        frames = spoof_frames(zone, word)
        with plugged.plugged(zone) as sender:
            heard = _heard(word, (leg,), zone, partial(_send, sender, [*frames.values()]))[0]
            through = sorted(heard - {"control"})
            deaf = "control" not in heard
            evidence = f"{len(frames)} frames sent, heard by the leg: {through or 'none'}; leg {'deaf' if deaf else 'heard the control frame'}"
            yield Finding(
                "spoofed-sender", sender.name, leg.name, judged(not deaf, bool(through)), evidence
            )


def patched(scene: Scene) -> Iterator[Finding]:
    """A cable on the host whose both ends are plugged in here: between the bridges, or past them."""
    for zone in scene.layout.plan.zones:
        found = plugged.patches(zone)
        verdict = judged(refused=True, is_open=bool(found))
        yield Finding(
            "bridge-patch",
            zone.bridge,
            "host",
            verdict,
            f"ports with both ends here: {found or 'none'}",
        )


NAMES = (*_GROUPS, "spoofed-sender", "bridge-patch")

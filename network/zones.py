"""The zones of a box and the names of what joins them: frozen facts, no system access."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Zone:
    """One side of the box. The host never has an address on `bridge`.

    `uplink` is enslaved when it exists; `leg` is the host's end of the veth whose other end
    (`eth0`) lies inside the namespace `netns` of that side's gateway process. Between nodes the zone
    goes over VXLAN: `overlay` is the bridge's port to the other nodes, `vni` its network's number.
    """

    name: str
    bridge: str
    uplink: str
    subnet: str
    leg: str
    leg_address: str
    netns: str
    overlay: str
    vni: int


@dataclass(frozen=True)
class Plan:
    """Both zones, the empty namespaces of guard and scanner, the management interface of one box."""

    intranet: Zone
    extranet: Zone
    guard_netns: str = "hbox-guard"
    scan_netns: str = "hbox-scan"
    management: str = "host0"
    port: int = 8080
    overlay_port: int = 4789

    @property
    def zones(self) -> tuple[Zone, Zone]:
        """The two zones that the gateway joins, intranet first."""
        return (self.intranet, self.extranet)

    @property
    def namespaces(self) -> tuple[str, str, str, str]:
        """Names of the four network namespaces: front, guard, back, scan."""
        return (self.extranet.netns, self.guard_netns, self.intranet.netns, self.scan_netns)


PLAN = Plan(
    intranet=Zone(
        "intranet",
        "br-int",
        "int0",
        "10.66.0.0/24",
        "gw-int",
        "10.66.0.2",
        "hbox-back",
        "vx-int",
        10066,
    ),
    extranet=Zone(
        "extranet",
        "br-ext",
        "ext0",
        "10.88.0.0/24",
        "gw-ext",
        "10.88.0.2",
        "hbox-front",
        "vx-ext",
        10088,
    ),
)


def prefixed(prefix: str, plan: Plan = PLAN) -> Plan:
    """Return `plan` with every system-wide name prefixed, so that a second box fits one kernel.

    `prefix` has at most 6 characters: an interface name ends at 15.
    """
    renamed = [
        replace(
            zone,
            bridge=prefix + zone.bridge,
            uplink=prefix + zone.uplink,
            leg=prefix + zone.leg,
            netns=prefix + zone.netns,
            overlay=prefix + zone.overlay,
        )
        for zone in plan.zones
    ]
    return replace(
        plan,
        intranet=renamed[0],
        extranet=renamed[1],
        guard_netns=prefix + plan.guard_netns,
        scan_netns=prefix + plan.scan_netns,
    )

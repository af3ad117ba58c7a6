"""What a Ceph cluster says of itself, read into facts; and what may be concluded from them. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COPIES = 3
ENOUGH = 2  # copies without which nothing is acknowledged
_FULL = {"OSD_FULL", "OSD_NEARFULL", "OSD_BACKFILLFULL", "POOL_FULL", "POOL_NEARFULL"}
_BUSY = ("recover", "backfill", "unfound", "inconsistent", "repair")
_NOBODY = 2147483647  # "no disk" in a list of acting disks (CRUSH_ITEM_NONE)


@dataclass(frozen=True)
class Check:
    """One thing that the cluster complains of. `muted`: somebody told it not to count it; here it counts."""

    code: str
    severity: str
    summary: str
    muted: bool

    def as_dict(self) -> dict[str, object]:
        """Return the form that the records carry."""
        return {
            "code": self.code,
            "severity": self.severity,
            "summary": self.summary,
            "muted": self.muted,
        }


@dataclass(frozen=True)
class Osd:
    """One disk as the monitors see it. `gone`: destroyed, its number waits for another disk."""

    number: int
    up: bool
    inside: bool
    gone: bool


@dataclass(frozen=True)
class Pool:
    """A pool and how many copies it wants and needs."""

    name: str
    size: int
    min_size: int


@dataclass(frozen=True)
class Data:
    """How the placement groups are: `states` counts them; `missing` and `astray` are parts of all copies.

    `bytes` is what users wrote, `rate` how many bytes per second are being copied anew.
    """

    states: Mapping[str, int]
    bytes: int
    missing: float
    rate: int

    @property
    def inactive(self) -> int:
        """Placement groups that nothing can be read from or written to."""
        return sum(n for state, n in self.states.items() if "active" not in state.split("+"))

    @property
    def whole(self) -> bool:
        """Whether every group has all of its copies."""
        lame = ("degraded", "undersized")
        return not self.missing and not any(word in state for state in self.states for word in lame)

    @property
    def clean(self) -> bool:
        """Whether every group is served and lies where it should."""
        return bool(self.states) and all(
            {"active", "clean"} <= set(state.split("+")) for state in self.states
        )


@dataclass(frozen=True)
class Picture:
    """The whole cluster at one instant. `mutes`: complaints that somebody told it not to count, ever."""

    checks: tuple[Check, ...]
    mutes: tuple[str, ...]
    quorum: tuple[str, ...]
    manager: bool
    osds: tuple[Osd, ...]
    pools: tuple[Pool, ...]
    data: Data

    @property
    def health(self) -> str:
        """HEALTH_OK, HEALTH_WARN or HEALTH_ERR, muted checks counted like any other."""
        severities = {check.severity for check in self.checks}
        return next((s for s in ("HEALTH_ERR", "HEALTH_WARN") if s in severities), "HEALTH_OK")


def picture(status: Mapping[str, Any], osdmap: Mapping[str, Any]) -> Picture:
    """Read `ceph status` and `ceph osd dump`."""
    pgs = status["pgmap"]
    return Picture(
        checks=tuple(
            Check(code, said["severity"], said["summary"]["message"], bool(said.get("muted")))
            for code, said in sorted(status["health"]["checks"].items())
        ),
        mutes=tuple(sorted(one["code"] for one in status["health"].get("mutes", ()))),
        quorum=tuple(status["quorum_names"]),
        manager=bool(status["mgrmap"]["available"]),
        osds=tuple(_osd(one) for one in osdmap["osds"]),
        pools=tuple(Pool(p["pool_name"], p["size"], p["min_size"]) for p in osdmap["pools"]),
        data=Data(
            states={one["state_name"]: one["count"] for one in pgs.get("pgs_by_state", ())},
            bytes=int(pgs.get("data_bytes", 0)),
            missing=float(pgs.get("degraded_ratio", 0.0)),
            rate=int(pgs.get("recovering_bytes_per_sec", 0)),
        ),
    )


def _osd(raw: Mapping[str, Any]) -> Osd:
    states = raw.get("state", ())
    return Osd(int(raw["osd"]), bool(raw["up"]), bool(raw["in"]), "destroyed" in states)


@dataclass(frozen=True)
class Places:
    """Per node its disks with their sizes in MiB: all that are meant to bear data, and those that do now."""

    meant: Mapping[str, Mapping[int, int]]
    bearing: Mapping[str, Mapping[int, int]]

    @property
    def sizes(self) -> list[int]:
        """The nodes' sizes when nothing is broken: what may be promised does not shrink by an outage."""
        return [sum(disks.values()) for disks in self.meant.values()]


def places(tree: Mapping[str, Any]) -> Places:
    """Read `ceph osd tree`. A disk's CRUSH weight is its size in TiB, as Ceph sets it when it is made."""
    return Places(_disks(tree, present=False), _disks(tree, present=True))


def _disks(tree: Mapping[str, Any], *, present: bool) -> dict[str, dict[int, int]]:
    known = {one["id"]: one for one in tree["nodes"]}
    found: dict[str, dict[int, int]] = {}
    for host in (one for one in tree["nodes"] if one["type"] == "host"):
        disks = (known[number] for number in host["children"])
        found[host["name"]] = {
            int(disk["id"]): int(float(disk["crush_weight"]) * 2**20)
            for disk in disks
            if not present or (disk["status"] == "up" and float(disk["reweight"]) > 0)
        }
    return {node: disks for node, disks in found.items() if disks}


def left_without(there: Mapping[str, Mapping[int, int]], losing: Collection[int]) -> dict[str, int]:
    """Return each node's size in MiB once the disks `losing` are gone; nodes left with none are left out."""
    sizes = {
        node: sum(size for number, size in disks.items() if number not in losing)
        for node, disks in there.items()
    }
    return {node: size for node, size in sizes.items() if size}


def state(seen: Picture, bearing: int, *, over: bool) -> str:
    """Return the storage's state: ok, degraded, no_spare, full or error.

    `bearing` counts the nodes that have a disk which is up and in; `over`: more is used than the ceiling allows.
    """
    if seen.health == "HEALTH_ERR" or seen.data.inactive or broken_guards(seen.pools):
        return "error"
    if over or any(check.code in _FULL for check in seen.checks):
        return "full"
    if not seen.data.whole:
        return "degraded" if bearing >= COPIES else "no_spare"
    return "ok"


def broken_guards(pools: Sequence[Pool]) -> list[Pool]:
    """Return the pools that somebody made less safe than three copies, two of them before "written"."""
    return [pool for pool in pools if pool.size < COPIES or pool.min_size < ENOUGH]


def repair_seconds(data: Data) -> int | None:
    """Return how long making the missing copies will take at the present pace; None: not known.

    `missing` is the part of all copies (bytes times `COPIES`) that is not there.
    """
    if data.whole:
        return 0
    if data.rate <= 0 or data.missing <= 0:
        return None
    return max(1, round(data.bytes * COPIES * data.missing / data.rate))


@dataclass(frozen=True)
class Group:
    """One placement group: its state and the disks that serve it now."""

    id: str
    state: str
    acting: tuple[int, ...]


def groups(raw: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[Group]:
    """Read `ceph pg dump pgs_brief`."""
    rows = raw["pg_stats"] if isinstance(raw, Mapping) else raw
    return [
        Group(one["pgid"], one["state"], tuple(n for n in one["acting"] if n != _NOBODY))
        for one in rows
    ]


def risk(found: Sequence[Group], losing: Collection[int]) -> str:
    """Return "" if what the disks `losing` hold is safe elsewhere, else the first group that is not.

    Safe: served, on at least two other disks, none of which is still being brought up to date. A disk that
    is down serves nothing, so what it alone holds shows as a group that is not served.
    """
    for group in found:
        words = group.state.split("+")
        others = [disk for disk in group.acting if disk not in losing]
        if "active" not in words:
            return f"{group.id} {group.state}"
        if len(others) < ENOUGH:
            return f"{group.id} {group.state}: {len(others)} copies left"
        if any(sign in group.state for sign in _BUSY):
            return f"{group.id} {group.state}"
    return ""

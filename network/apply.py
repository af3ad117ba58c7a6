"""Brings the box's network to its state: filter first, then settings, links; safe to run again."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pyroute2 import IPRoute

from appliance.errors import BadInput, BoxError, Failed, Text
from appliance.host import LocalHost, write_atomically
from network import fabric as fabrics
from network import links, nft, overlay, sysctl
from network.fabric import ALONE, Fabric
from network.firewall import Abilities, Flow, ruleset
from network.zones import PLAN, Plan

FLOWS = Path("/var/lib/hbox/network/flows.json")


@dataclass(frozen=True)
class Applied:
    """What is now in force: the nft text that was loaded and read back, and how it was made."""

    text: str
    abilities: Abilities
    flows: int


class LinksDiffer(Failed):
    """The zones do not reach the nodes that they should."""

    code = "network.links_differ"
    text = Text("区域跨节点连接与期望不符：{why}", "The zones' links between nodes differ: {why}")


def apply(flows: Sequence[Flow], plan: Plan = PLAN, fabric: Fabric = ALONE) -> Applied:
    """Bring filter, settings, bridges, overlay and gateway legs to their state; read all of it back.

    The gateway's legs are on the home node only.

    Raises:
        BadInput: a flow is not one of its zone; nothing was changed.
        Failed: a step did not hold.
    """
    host = LocalHost()
    can = nft.abilities(host)
    text = ruleset(plan, flows, can, fabric)
    nft.load(host, text)
    links.ensure_bridges(plan, fabric)
    sysctl.apply(plan)
    if fabric.home:
        links.ensure_gateway(plan)
    else:
        links.remove_gateway(plan)
    verify(flows, plan, fabric)
    return Applied(text, can, len(flows))


def verify(flows: Sequence[Flow], plan: Plan = PLAN, fabric: Fabric = ALONE) -> None:
    """Raise `RulesetDiffers` or `LinksDiffer` unless the kernel holds just what `apply` would bring about."""
    host = LocalHost()
    nft.check(host, ruleset(plan, flows, nft.abilities(host), fabric))
    with IPRoute() as ipr:
        found = overlay.held(ipr, plan)
    wanted = {zone.overlay: set(fabric.peers) for zone in plan.zones} if fabric.spans else {}
    if found != wanted:
        raise LinksDiffer(what="overlay", why=f"{found} ≠ {wanted}")


def read_flows(path: Path = FLOWS) -> tuple[Flow, ...]:
    """Return the flows in `path`; none when there is no file; raises `BadInput`."""
    try:
        return TypeAdapter(tuple[Flow, ...]).validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except ValidationError as error:
        raise BadInput(what=str(path), why=str(error)) from error


def write_flows(flows: Sequence[Flow], path: Path = FLOWS) -> None:
    """Replace the flows that the next boot, or the next `apply`, opens."""
    write_atomically(
        path, json.dumps([asdict(flow) for flow in flows], ensure_ascii=False).encode()
    )


def main() -> int:
    """Apply the flows of the box; on a broken flow file, apply none and say so."""
    try:
        flows, code = read_flows(), 0
    except BadInput as error:
        sys.stderr.write(f"{error.message.zh} {error.message.en}\n")
        flows, code = (), 1
    try:
        if "--verify" in sys.argv[1:]:
            verify(flows, PLAN, fabrics.read())
            return code
        done = apply(flows, PLAN, fabrics.read())
    except BoxError as error:
        sys.stderr.write(f"{error.message.zh} {error.message.en}\n")
        return 1
    sys.stdout.write(f"{done.flows} flows, {done.abilities}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())

"""What each node must know of the others' network: flows, addresses, revocations; spread to all, again and again."""

import hashlib
import threading
from collections.abc import Iterable, Mapping

from sqlalchemy import select

from appliance import authorised
from appliance.errors import BoxError
from appliance.host import Host
from appliance.node_ca import NodeAuthority
from controller.jobs.log import tell
from controller.jobs.steps import Say
from controller.records.session import reading
from controller.records.tables import Node
from controller.workers.fleet import Fleet
from controller.workers.nodes_trust import put, shared_files, take_up
from controller.workers.site import Site
from network import fabric
from network.fabric import Fabric

_ONE_AT_A_TIME = threading.Lock()
"""Who brings nodes up to date reads the records inside: a slower one must not write an older state over a newer."""
FLOWS = "/var/lib/hbox/network/flows.json"
FABRIC = str(fabric.FILE)


def spanned(site: Site) -> dict[str, str]:
    """Return name -> address of the nodes that the zones span: home, and all that were let in."""
    with reading(site.engine) as session:
        rows = session.scalars(select(Node).where(Node.home | Node.joined_at.is_not(None)))
        return {row.name: row.address for row in rows if row.address}


def fabric_of(name: str, home: str, addresses: Mapping[str, str]) -> Fabric:
    """Return what the node `name` must know, given all nodes' addresses."""
    peers = tuple(sorted(address for other, address in addresses.items() if other != name))
    return Fabric(name == home, addresses.get(name, ""), peers)


def push(site: Site, say: Say, *, only: str = "") -> list[str]:
    """Bring the network of every node (or `only` one) to what it must be; return who did not answer.

    Home comes first. A node that is away is brought up to date when it is back (`spread`).
    """
    fleet = site.nodes
    if not isinstance(fleet, Fleet):
        return []
    with _ONE_AT_A_TIME:
        return _push(site, fleet, say, only)


def _push(site: Site, fleet: Fleet, say: Say, only: str) -> list[str]:
    addresses, missed = spanned(site), []
    for member in fleet.members():
        if member.name not in addresses or (only and member.name != only):
            continue
        host = site.home.host if member.home else _host(fleet, member.name)
        try:
            if bring(site, host, fabric_of(member.name, fleet.home, addresses)):
                say(f"网络已更新 network brought up to date: {member.name}")
        except BoxError as error:
            if member.home or only:
                raise
            missed.append(member.name)
            say(f"节点 {member.name} 未更新，恢复后补发 not reached, will follow: {error}")
    return missed


def bring(site: Site, host: Host, wanted: Fabric) -> bool:
    """Write what is not on the node yet and apply it; return whether anything was new."""
    changed = False
    trust = shared_files(NodeAuthority.of(site.settings.state))
    if wanted.spans and differs(host, trust):
        put(host, trust)
        take_up(host)
    if wanted.spans and not wanted.home:
        _let_in(site, host, wanted.peers)
    files = {FABRIC: fabric.text(wanted), **({} if wanted.home else {FLOWS: _flows(site)})}
    if differs(host, files):
        changed = put(host, files)
    if changed:
        host.run(["systemctl", "reload-or-restart", "hbox-network.service"], timeout=120)
    return changed


def _let_in(site: Site, host: Host, addresses: Iterable[str]) -> None:
    """The controller may come from each of the other nodes: any of them may have to be its home one day."""
    key = (site.settings.state / "tls" / "nodes.pub").read_text("ascii")
    held = host.read(str(authorised.FILE)).decode("utf-8", "replace")
    wanted = authorised.authorised(held, key, addresses)
    if wanted != held:
        host.write(str(authorised.FILE), wanted.encode(), mode=0o600)


def spread(site: Site) -> None:
    """See that every node that answers holds what it must; told in the journal only when it did not."""
    fleet = site.nodes
    if not isinstance(fleet, Fleet) or len(spanned(site)) < 2:
        return
    push(site, lambda line: None if "未更新" in line else tell(line))


def differs(host: Host, wanted: Mapping[str, bytes]) -> bool:
    """Whether any of these files on the node is not as wanted; one question for all of them."""
    said = host.run(["sha256sum", "--", *wanted], check=False, timeout=20).text.splitlines()
    held = {path: digest for digest, _, path in (line.partition("  ") for line in said)}
    return any(held.get(path) != hashlib.sha256(data).hexdigest() for path, data in wanted.items())


def _host(fleet: Fleet, name: str) -> Host:
    return fleet[name].host


def _flows(site: Site) -> bytes:
    path = site.settings.state / "network" / "flows.json"
    return path.read_bytes() if path.exists() else b"[]"

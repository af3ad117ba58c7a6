"""A node is brought to its state by the roles: what they are told about it, and how a run is asked for."""

from collections.abc import Sequence
from typing import Any

from controller.jobs.steps import Say
from controller.workers.fleet import Fleet, Member
from controller.workers.inspecting import public_key
from controller.workers.nodes_network import fabric_of, spanned
from controller.workers.nodes_play import Play, PlayNode, Recap, play
from controller.workers.site import Site
from network import fabric


def fleet_of(site: Site) -> Fleet:
    """Return the site's nodes as the records have them."""
    if not isinstance(site.nodes, Fleet):
        raise TypeError("these nodes are not of the records")
    return site.nodes


def variables(site: Site, member: Member, also: Member | None = None) -> dict[str, Any]:
    """Return what the roles must know of one node; lists are in order, so a second run changes nothing.

    `also` is a node that is just being let in.
    """
    fleet = fleet_of(site)
    home = fleet.members()[0]
    addresses = {**spanned(site), member.name: member.address}
    if also is not None:
        addresses[also.name] = also.address
    known = fabric_of(member.name, home.name, addresses)
    return {
        "hbox_cluster": known.spans,
        "hbox_home": known.home,
        "hbox_node": member.name,
        "hbox_address": known.address,
        "hbox_peers": list(known.peers),
        "hbox_home_address": addresses.get(home.name, ""),
        "hbox_fabric": fabric.text(known).decode(),
        "hbox_inspect_key": public_key(site.settings),
    }


def configure(
    site: Site,
    say: Say,
    members: Sequence[Member],
    *,
    check: bool = False,
    also: Member | None = None,
) -> dict[str, Recap]:
    """Run the node roles on these nodes; a second run changes nothing.

    With `also`, a node that is just being let in, those alone that know of other nodes: its build was
    seen to be ours, and the image's build ran the others.
    """
    nodes = [
        PlayNode(m.name, m.address, m.host_key, m.home, variables(site, m, also)) for m in members
    ]
    book = "node.yml" if also is None else "member.yml"
    found = play(site, say, nodes, Play(playbook=book, check=check))
    if not check:
        _learn(site, say, [name for name, recap in found.items() if recap.changed])
    return found


def _learn(site: Site, say: Say, names: Sequence[str]) -> None:
    """What the roles changed was meant: those nodes' file databases are renewed, and keep what changed.

    A node that is just being let in starts from the image and makes its database later.
    """
    fleet = fleet_of(site)
    for name in names:
        if name in set(fleet):
            fleet[name].host.run(["systemctl", "start", "--no-block", "hbox-files-renew.service"])
            say(f"{name}: 更新文件基准 the file database is renewed")


def of_members(site: Site, names: Sequence[str]) -> list[PlayNode]:
    """Return the named nodes as `play` takes them, with the variables of the node roles."""
    found = {m.name: m for m in fleet_of(site).members()}
    picked = [found[name] for name in names]
    return [PlayNode(m.name, m.address, m.host_key, m.home, variables(site, m)) for m in picked]

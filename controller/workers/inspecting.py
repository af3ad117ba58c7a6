"""Which nodes the inspector asks over SSH, and the key with which it does: theirs alone, good for answers only."""

import json

from appliance import ssh_key
from appliance.files import write_atomically
from appliance.settings import Settings
from compliance import sandbox
from controller.workers.fleet import OUTSIDE, Fleet, known_hosts
from controller.workers.site import Site

KEY = "inspect.ed25519"


def public_key(settings: Settings) -> str:
    """Return the inspector's public key (OpenSSH, two fields); the pair is made when it is first needed."""
    return ssh_key.public_key(settings.keys / KEY)


def hand_over_nodes(site: Site) -> str:
    """Write which other nodes there are and by which keys they are known; return our key's file, "" for none."""
    fleet = site.nodes
    others = [
        member
        for member in (fleet.members() if isinstance(fleet, Fleet) else [])
        if not member.home and member.state not in OUTSIDE and member.address
    ]
    if not others:
        return ""
    listed = [{"name": member.name, "address": member.address} for member in others]
    write_atomically(sandbox.NODES, json.dumps(listed).encode(), mode=0o644)
    keys = {member.address: member.host_key for member in others if member.host_key}
    write_atomically(sandbox.KNOWN_HOSTS, known_hosts(keys).encode(), mode=0o644)
    public_key(site.settings)
    return str(site.settings.keys / KEY)

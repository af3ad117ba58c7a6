"""The certificate by which a node that stands alone sends its log to its own store."""

import socket
from pathlib import Path

from appliance import node_keys
from appliance.host import Host
from appliance.node_ca import NodeAuthority, ends_soon


def log_trust(authority: NodeAuthority, host: Host) -> bool:
    """Give this node what its log goes to the box's own store with, unless it has it; return whether it was new.

    A certificate that ends soon is replaced. A node that joins gets the like from its new box, for a new key
    (controller/workers/nodes_trust.py).
    """
    place = node_keys.PLACES["log"]
    held = Path(place.certificate)
    if held.exists() and not ends_soon(held.read_bytes()):
        return False
    name = socket.gethostname()
    request = node_keys.requests(name, parts=("log",))["log"].encode()
    made = authority.certify(request, "log", (name, "localhost"))
    for path, content in (
        (place.authority, authority.certificate.read_bytes()),
        (place.revoked, authority.revoked.read_bytes()),
        (place.certificate, made),
    ):
        host.write(path, content)
    return True

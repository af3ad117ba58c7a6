"""The certificates by which nodes know each other: issued, laid where libvirt and QEMU look, renewed, revoked."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from appliance.errors import Refused, Text
from appliance.host import Host
from appliance.log_trust import log_trust
from appliance.node_ca import PARTS, NodeAuthority, answers, ends_soon
from appliance.node_keys import PLACES
from controller.jobs.log import tell
from controller.workers.fleet import Fleet, folder
from controller.workers.site import Site

_FOLDERS = """install -d -m 0755 /etc/pki /etc/pki/CA /etc/pki/libvirt /etc/pki/libvirt/private /etc/pki/qemu
install -d -m 0700 /etc/pki/hbox-log
chmod 0700 /etc/pki/libvirt/private"""
# libvirtd takes up new certificates and the new revocation list without a restart, if it listens at all;
# rsyslog reads its own when it starts, and loses no line over that.
_TAKE_UP = (
    "virt-admin -c libvirtd:///system server-update-tls libvirtd >/dev/null 2>&1 || "
    "systemctl try-restart libvirtd.service; systemctl try-restart rsyslog.service"
)


class NotItsKey(Refused):
    """A node asks for a certificate without the two requests that one needs."""

    code = "node.bad_request"
    text = Text("节点证书申请不完整：{why}", "The node's certificate requests are not whole: {why}")


def requests_of(raw: str) -> dict[str, bytes]:
    """Return the requests (PEM) by part from their JSON text; raises `NotItsKey`."""
    try:
        held = json.loads(raw)
        found = {part: str(held[part]).encode() for part in PARTS}
    except (ValueError, KeyError, TypeError) as error:
        raise NotItsKey(why=type(error).__name__) from error
    return found


def certify(site: Site, name: str, address: str, requests: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the node's certificates (PEM) by part; the same ones again for the same keys."""
    place = folder(site.settings) / name
    authority = NodeAuthority.of(site.settings.state)
    held = _held(place)
    if held and answers(held, requests) and not _stale(authority, held.values()):
        return held
    place.mkdir(mode=0o700, exist_ok=True)
    # Kept before it is handed out: what was issued can be revoked.
    made = {part: authority.certify(requests[part], part, (name, address)) for part in PARTS}
    authority.revoke(held.values())
    for part, pem in made.items():
        (place / f"{part}.crt").write_bytes(pem)
    return made


def lay(site: Site, host: Host, certificates: Mapping[str, bytes]) -> bool:
    """Put certificates, CA and revocation list where libvirt and QEMU look; return whether any was new."""
    authority = NodeAuthority.of(site.settings.state)
    wanted = dict(shared_files(authority))
    for part, pem in certificates.items():
        wanted[PLACES[part].certificate] = pem
    host.run(["sh", "-euc", _FOLDERS])
    return put(host, wanted)


def shared_files(authority: NodeAuthority) -> dict[str, bytes]:
    """Return path -> content of what every node holds alike: the CA and its revocation list."""
    return {
        path: content
        for place in PLACES.values()
        for path, content in (
            (place.authority, authority.certificate.read_bytes()),
            (place.revoked, authority.revoked.read_bytes()),
        )
    }


def put(host: Host, wanted: Mapping[str, bytes]) -> bool:
    """Write the files that are not on the node yet; return whether there was any."""
    changed = False
    for path, content in wanted.items():
        try:
            same = host.read(path) == content
        except FileNotFoundError:
            same = False
        if not same:
            host.write(path, content)
            changed = True
    return changed


def take_up(host: Host) -> None:
    """Have libvirtd use what was laid."""
    host.run(["sh", "-c", _TAKE_UP])


def revoke(site: Site, name: str) -> None:
    """Put all that this node ever had on the revocation list; done twice it changes nothing."""
    held = _held(folder(site.settings) / name)
    NodeAuthority.of(site.settings.state).revoke(held.values())


def drop(site: Site, name: str) -> None:
    """Revoke a node's certificates and forget them."""
    revoke(site, name)
    place = folder(site.settings) / name
    for part in PARTS:
        (place / f"{part}.crt").unlink(missing_ok=True)


def is_for(site: Site, name: str, requests: Mapping[str, bytes]) -> bool:
    """Whether what was issued to this name (if anything) was issued for these very keys."""
    held = _held(folder(site.settings) / name)
    return not held or answers(held, requests)


def tell_home(site: Site) -> None:
    """Have this very node take up the revocation list, also where the zones span no other node any more."""
    if put(site.home.host, shared_files(NodeAuthority.of(site.settings.state))):
        take_up(site.home.host)


def own_requests(host: Host) -> dict[str, bytes]:
    """Ask a node for requests for the keys it has; it makes those that are missing."""
    said = host.run(["/usr/bin/hbox", "node", "keys", "--format", "json"], timeout=60)
    return requests_of(said.text)


def equip(site: Site, name: str, address: str, host: Host) -> None:
    """See that a node that is reached has valid certificates of its own."""
    if lay(site, host, certify(site, name, address, own_requests(host))):
        take_up(host)


def renew_node_certificates(site: Site) -> None:
    """Renew what runs out soon, on every node that answers; a failure is told and tried again.

    What was issued and never arrived is laid too: the one before it is revoked by then.
    """
    fleet = site.nodes
    if not isinstance(fleet, Fleet):
        return
    authority = NodeAuthority.of(site.settings.state)
    if len(fleet.members()) == 1:
        # A box that is never restarted sends its log to its own store all the same.
        if log_trust(authority, site.home.host):
            site.home.host.run(["systemctl", "try-restart", "rsyslog.service"])
        return
    for member in fleet.members():
        held = _held(folder(site.settings) / member.name)
        try:
            host = fleet[member.name].host
            if held and not _stale(authority, held.values()) and _lies(host, held):
                continue
            equip(site, member.name, member.address, host)
            tell(f"certificates of {member.name} renewed")
        except Exception as error:  # noqa: BLE001 - one node's trouble is not the others'
            tell(f"certificates of {member.name}: {error}")


def _held(place: Path) -> dict[str, bytes]:
    found = {part: place / f"{part}.crt" for part in PARTS}
    return {part: path.read_bytes() for part, path in found.items() if path.exists()}


def _lies(host: Host, held: Mapping[str, bytes]) -> bool:
    try:
        return all(host.read(PLACES[part].certificate) == pem for part, pem in held.items())
    except FileNotFoundError:
        return False


def _stale(authority: NodeAuthority, held: Iterable[bytes]) -> bool:
    return any(ends_soon(pem) or authority.is_revoked(pem) for pem in held)

"""First boot: from a blank box to one that three administrators can log in to; each step may run again."""

import contextlib
import os
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from sqlalchemy import Engine

import playbooks
from appliance import ssh_key
from appliance.ca import Authority, covers
from appliance.clock import iso
from appliance.host import Host, LocalHost, write_atomically
from appliance.log_trust import log_trust
from appliance.node_ca import NodeAuthority
from appliance.settings import Settings
from appliance.signing import SigningKey
from controller.access import factors, people
from controller.records.migrate import upgrade
from controller.records.session import open_records, transaction
from controller.records.tables import Node
from network.gateway import certificates as leg_certificates
from network.gateway import vault
from network.gateway.heads import Signers
from network.gateway.policy import Policy, write
from network.gateway.sealed import FILE
from network.zones import PLAN

KEYS = ("audit", "report", "policy")
HOST_KEY = Path("/etc/ssh/ssh_host_ed25519_key.pub")


def run(settings: Settings, say: Callable[[str], None], host: Host | None = None) -> None:
    """Bring this machine to its first state. Steps already done are found done."""
    host = host or LocalHost()
    for name in KEYS:
        SigningKey.load_or_new(settings.keys / f"{name}.key")
    gateway_keys(settings)
    say("密钥就绪 keys are there")
    certificates(settings, host)
    second_factor_key(settings, host)
    say("证书就绪 certificates are there")
    upgrade(settings.database)
    share_database(settings, host)
    engine = open_records(settings.database)
    node_trust(settings, host)
    introduce_node(engine)
    administrators(settings, engine, say)
    deny_everything(settings)
    if not built_with_this_state():
        say("节点配置中 bringing the node to its state")
        configure_node(host)


def gateway_keys(settings: Settings) -> None:
    """Make the keys of the gateway's journal: SM4 for its bodies, Ed25519 and SM2 for its heads."""
    vault.ensure(settings.keys / vault.FILE)
    Signers.ensure(settings.keys)


def certificates(settings: Settings, host: Host) -> None:
    """Make the CA and a server certificate for every address this machine answers on."""
    tls = settings.state / "tls"
    authority = Authority(tls / "ca.crt", settings.keys / "ca.key")
    authority.ensure(settings.site_name)
    names = [socket.gethostname(), "localhost", "127.0.0.1", *_addresses()]
    certificate = tls / "server.crt"
    if not covers(certificate, names):
        key = tls / "server.key"
        authority.issue(certificate, key, names=names, site=settings.site_name)
        host.run(["chown", "root:hbox", str(key)])
    # Those of the gateway's legs, ECDSA and SM2: their keys are for root alone.
    leg_certificates.ensure(settings.keys, authority, settings.site_name)


def second_factor_key(settings: Settings, host: Host) -> None:
    """Make what the second factors' secrets are sealed with: the web process reads it, nobody else."""
    key = settings.state / "tls" / factors.KEY
    factors.lock(settings).ensure(mode=0o640)
    host.run(["chown", "root:hbox", str(key)])


def share_database(settings: Settings, host: Host) -> None:
    """Let the web process (group hbox) write the records; nobody else reads them."""
    gid = int(host.run(["getent", "group", "hbox"]).text.split(":")[2])
    for path in (settings.state / "db").iterdir():
        share(path, gid)


def share(path: Path, gid: int) -> None:
    """Give a file to root and the group `gid`, 0660; what is no plain file of one name stays as it is.

    The web process may put links into this folder, and root would follow them to any file of the box.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        facts = os.fstat(descriptor)
        if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
            os.fchown(descriptor, os.getuid(), gid)
            os.fchmod(descriptor, 0o660)
    finally:
        os.close(descriptor)


def node_trust(settings: Settings, host: Host) -> None:
    """Make what further nodes will trust: the nodes' CA and the controller's SSH key."""
    authority = NodeAuthority.of(settings.state)
    authority.ensure()
    log_trust(authority, host)
    line = f"{ssh_key.public_key(settings.keys / 'nodes.ed25519')} hbox-controller\n"
    public = settings.state / "tls" / "nodes.pub"
    write_atomically(public, line.encode(), mode=0o640)
    host.run(["chown", "root:hbox", str(public)])


def introduce_node(engine: Engine) -> None:
    """Record this machine as the box's first node, the one that the controller runs on."""
    name = socket.gethostname()
    with transaction(engine) as session:
        row = session.get(Node, name)
        if row is None:
            row = Node(name=name)
            session.add(row)
        # At a later boot the interface may have no address yet: what is known stays.
        row.home, row.address = True, management_address() or row.address or ""
        with contextlib.suppress(OSError):
            row.host_key = " ".join(HOST_KEY.read_text("ascii").split()[:2])


def management_address() -> str:
    """Return this machine's IPv4 address on the management interface, "" while it has none.

    On a machine without such an interface it is the first address there is.
    """
    own = psutil.net_if_addrs().get(PLAN.management)
    if own is None:
        return next(iter(_addresses()), "")
    return next((a.address for a in own if a.family == socket.AF_INET), "")


def administrators(settings: Settings, engine: Engine, say: Callable[[str], None]) -> None:
    """Make the three administrators; their one-time codes go into one 0600 file and nowhere else."""
    with transaction(engine) as session:
        codes = people.ensure_administrators(session)
    if not codes:
        return
    lines = [f"{name}\t{code.reveal()}" for name, code in codes.items()]
    path = settings.state / "first-login.txt"
    head = "# 首次登录码，每个只能用一次；登录后请设置自己的口令。One-time codes: log in once, set a password.\n"
    write_atomically(path, (head + "\n".join(lines) + "\n").encode(), mode=0o600)
    say(f"三位管理员的首次登录码 one-time codes: {path}")


def deny_everything(settings: Settings) -> None:
    """Write the gateway's first policy: signed, and without a single channel."""
    folder = settings.state / "gateway"
    if not (folder / FILE).exists():
        write(
            folder,
            Policy(version=1, issued=iso(), channels=()),
            SigningKey.load(settings.keys / "policy.key"),
        )


def configure_node(host: Host) -> None:
    """Run the node's roles here. Ansible is called as a process: its licence stays its own."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    quiet = {
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "HOME": "/root",
        "ANSIBLE_PIPELINING": "1",
    }
    host.run(playbooks.argv(program), timeout=900, env=quiet)


def built_with_this_state() -> bool:
    """Whether the image was built with just these roles, so that there is nothing to bring about."""
    return playbooks.STAMP.exists() and playbooks.STAMP.read_text().strip() == playbooks.state()


def _addresses() -> list[str]:
    found: list[str] = []
    for interface, addresses in psutil.net_if_addrs().items():
        if interface == "lo":
            continue
        found += [a.address for a in addresses if a.family == socket.AF_INET]
    return found

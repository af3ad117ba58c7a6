"""Another node becomes the home of the controller: the records are restored there, and it serves from then on.

The former home is shut out by the nodes that live: its certificates are revoked and its key opens no door,
so a controller that comes back to life there reaches nobody. That it is off is for a person to see to.
"""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance import authorised
from appliance.errors import Conflict, Text, Unavailable
from appliance.files import write_atomically
from appliance.host import Host
from appliance.node_ca import NodeAuthority
from appliance.settings import FILE, Settings, changed
from controller.records.session import open_records, transaction
from controller.records.tables import Node
from controller.workers import nodes_network, nodes_trust
from controller.workers.fleet import Fleet
from controller.workers.nodes_join import UNMASK
from controller.workers.records_export import SETTINGS
from controller.workers.records_place import serves
from controller.workers.site import Site

UNITS = ("hbox-web", "hbox-worker", "hbox-console", "hbox-gateway", "hbox-clamd")
MEMBER = Path("/etc/hbox/member.json")
_DOORS = (22, 8443)  # SSH and the console: one answer is enough to know that it lives
_PATIENCE = 3.0  # seconds for each
_STARTED = 1200.0  # seconds for the first start of a controller here
_SHUT = "原控制节点，已被接管 the former home node: another took over"
Say = Callable[[str], None]


class NotMember(Conflict):
    """This machine is no member of a box, so there is nothing to take over."""

    code = "records.not_member"
    text = Text("本机不是成员节点", "This machine is no member of a box")
    hint = Text(
        "接管只在已加入的节点上执行；接管若曾中断：systemctl restart hbox-firstboot hbox-web hbox-worker。",
        "Take over on a node that joined. Was it cut off before: systemctl restart hbox-firstboot hbox-web hbox-worker.",
    )


class FormerRuns(Conflict):
    """The node that the controller runs on still answers."""

    code = "records.former_runs"
    text = Text(
        "原控制节点 {address} 仍有应答（TCP {port}）",
        "The home node {address} still answers (TCP {port})",
    )
    hint = Text(
        "两个控制器不得同时运行：请先将其断电或隔离。",
        "Two controllers must never run at once: switch it off or cut it off first.",
    )


class NotServing(Unavailable):
    """The records are restored here, but the console does not answer."""

    code = "records.not_serving"
    text = Text(
        "记录已恢复，但网页进程未应答", "The records are restored, but the console does not answer"
    )
    hint = Text(
        "请查看 journalctl -u hbox-firstboot -u hbox-web。",
        "See journalctl -u hbox-firstboot -u hbox-web.",
    )


@dataclass(frozen=True)
class TakenOver:
    """How it ended: this node, the one before, and the nodes that could not be told yet."""

    home: str
    former: str
    missed: tuple[str, ...]


def former_home(member: Path = MEMBER) -> str:
    """Return the address of the home node that this one knows; raises `NotMember`."""
    try:
        return str(json.loads(member.read_bytes())["controller"])
    except (OSError, ValueError, KeyError) as error:
        raise NotMember(why=type(error).__name__) from error


def refuse_living(address: str, doors: tuple[int, ...] = _DOORS) -> None:
    """Raise `FormerRuns` if anything at that address answers; that nothing does proves nothing yet."""
    for port in doors:
        try:
            socket.create_connection((address, port), timeout=_PATIENCE).close()
        except ConnectionRefusedError as error:
            raise FormerRuns(
                address=address, port=port
            ) from error  # a machine that refuses is a machine
        except OSError:
            continue
        raise FormerRuns(address=address, port=port)


def adopt_settings(settings: Settings, file: Path = FILE) -> bool:
    """Put the former home's settings in force, if the records brought any; return whether they did.

    The records are on SQLite here, whatever they were on there.
    """
    brought = settings.state / SETTINGS
    if not brought.exists():
        return False
    text = changed(brought.read_text("utf-8"), "database_url", "")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text.encode(), mode=0o644)
    return True


def become_home(settings: Settings, former: str, host: Host, say: Say) -> TakenOver:
    """Shut the former home out, make this node the zones' home, start the controller here.

    The records have been restored here and name this node as home. Done again it changes nothing.
    Raises `NotServing`; nodes that do not answer are brought up to date when they do.
    """
    site = _site(settings)
    _forget_door()
    _mark(site, former)
    nodes_trust.drop(site, former)
    # Here too, where the zones span no other node any more.
    if nodes_trust.put(host, nodes_trust.shared_files(NodeAuthority.of(settings.state))):
        nodes_trust.take_up(host)
    say(f"已吊销原控制节点的证书 certificates revoked: {former}")
    here = _home(site)
    nodes_network.push(site, say, only=here)
    host.run(["sh", "-c", UNMASK], timeout=60)
    host.run(["systemctl", "restart", "hbox-firstboot"], timeout=_STARTED)
    host.run(["systemctl", "start", *UNITS], timeout=120)
    if not serves(settings):
        raise NotServing(what="hbox-web", why="")
    say(f"控制器已在本机运行 the controller runs here: {here}")
    missed = nodes_network.push(site, say)
    site.engine.dispose()
    return TakenOver(here, former, tuple(name for name in missed if name != former))


def _site(settings: Settings) -> Site:
    records = open_records(settings.database, patience=30.0)
    fleet = Fleet(settings, records)
    return Site(settings, records, fleet, shared=fleet.shared)


def _home(site: Site) -> str:
    return site.nodes.home if isinstance(site.nodes, Fleet) else socket.gethostname()


def _forget_door() -> None:
    """No controller of elsewhere is let in here any longer."""
    path = authorised.FILE
    if path.exists():
        text = authorised.authorised(path.read_text("utf-8"), "", ())
        write_atomically(path, text.encode(), mode=0o600)


def _mark(site: Site, former: str) -> None:
    """Nothing is placed on the former home, and the zones do not span it."""
    with transaction(site.engine) as session:
        row = session.get(Node, former)
        if row is not None:
            row.why, row.joined_at = _SHUT, None

"""An encrypted copy of the records on every other node, so that any node alone can bring the box back."""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from appliance.errors import BoxError, NotFound, Text
from appliance.files import write_atomically
from appliance.sealing import ForRecovery, RecoveryKey
from appliance.secret import Secret
from appliance.settings import Settings
from controller.jobs.log import tell
from controller.records import audit
from controller.records.parcel import BadParcel
from controller.records.session import reading, transaction
from controller.workers import records_papers as papers
from controller.workers.records_export import Packed, pack
from controller.workers.site import Site

FOLDER = "copies"
KEPT = 3  # copies on each node
EVERY = 300.0  # seconds between two copies at least, however much is written
_KEY = "recovery.pub"
_MAGIC = b"HBOXCOPY1\n"
_PURPOSE = "hbox records copy"
_NOTE = "worker/copies.json"


class NoRecoveryKey(NotFound):
    """There is no key that copies could be sealed for."""

    code = "records.no_recovery_key"
    text = Text("尚未生成恢复密钥", "There is no recovery key yet")
    hint = Text(
        "请由系统管理员运行 hbox records key，并把密钥离线保管。",
        "Have the system administrator run hbox records key, and keep the key offline.",
    )


class NoCopy(NotFound):
    """No copy of the records lies on this node."""

    code = "records.no_copy"
    text = Text(
        "本节点没有记录副本：{folder}", "No copy of the records lies on this node: {folder}"
    )
    hint = Text(
        "请在其他节点上查看，或用导出文件恢复。",
        "Look on another node, or restore from an exported file.",
    )


@dataclass(frozen=True)
class Copy:
    """A copy on this node; what its head says is believed only once it was opened."""

    path: Path
    at: str
    node: str
    entries: int


def new_key(settings: Settings, engine: Engine) -> Secret:
    """Make the recovery key: return its private half, which is kept nowhere, and keep the public one.

    Copies made before can be opened with the former key only; the next round makes new ones.
    """
    key = RecoveryKey.new()
    write_atomically(settings.keys / _KEY, key.public.encode() + b"\n", mode=0o600)
    act = audit.entry(
        "root", "system", "records.key", on="records/copies", outcome="done", detail=key.public
    )
    with transaction(engine) as session:
        audit.append(session, act)
    (settings.state / _NOTE).unlink(missing_ok=True)
    return key.spoken()


def lock(settings: Settings) -> ForRecovery:
    """Return what closes copies; raises `NoRecoveryKey`."""
    path = settings.keys / _KEY
    if not path.exists():
        raise NoRecoveryKey(what="恢复密钥 recovery key", name=_KEY)
    return ForRecovery(path.read_text("utf-8").strip())


def close(settings: Settings, engine: Engine) -> tuple[Packed, bytes]:
    """Return a copy of everything as it is now, readable with the recovery key alone.

    Attachments of statements lie beside it, each once: they never change, and a copy is made every few minutes.
    """
    closing = lock(settings)
    held = io.BytesIO()
    packed = pack(settings, engine, held, closing, whole=False)
    head = {"origin": asdict(packed.origin), "key": closing.public}
    line = json.dumps(head, sort_keys=True).encode() + b"\n"
    return packed, _MAGIC + line + closing.close(held.getvalue(), _PURPOSE)


def uncover(data: bytes, key: RecoveryKey) -> io.BytesIO:
    """Return the parcel inside a copy; raises `BadParcel` and `WrongKey`."""
    if not data.startswith(_MAGIC):
        raise BadParcel(why="not a copy of records")
    _, _, sealed = data[len(_MAGIC) :].partition(b"\n")
    return io.BytesIO(key.open(sealed, _PURPOSE))


def is_copy(path: Path) -> bool:
    """Whether a file is a sealed copy rather than an exported file."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def here(settings: Settings) -> list[Copy]:
    """Return the copies on this node, newest first."""
    found = []
    for path in (settings.state / FOLDER).glob("*.hcopy"):
        with path.open("rb") as file:
            head = file.read(65536).split(b"\n")[1:2]
        try:
            said = json.loads(head[0])["origin"]
            found.append(Copy(path, str(said["at"]), str(said["node"]), int(said["entries"])))
        except (IndexError, ValueError, KeyError, TypeError):
            continue  # half written by a node that went off
    return sorted(found, key=lambda copy: copy.at, reverse=True)


def newest(settings: Settings) -> Copy:
    """Return the newest copy on this node; raises `NoCopy`."""
    found = here(settings)
    if not found:
        raise NoCopy(what="", name="", folder=settings.state / FOLDER)
    return found[0]


def spread(site: Site) -> list[str]:
    """Put a copy on every other node if anything was audited since the last; return where it went.

    Without a recovery key, or on a box of one node, nothing is done. A node that does not answer is
    told about and gets its copy in the next round.
    """
    others = [name for name in site.nodes if site.node(name) is not site.home]
    if not others or not (site.settings.keys / _KEY).exists():
        return []
    note = _noted(site.settings)
    with reading(site.engine) as session:
        entries = audit.length(session)
    late = [name for name in others if note.get(name) != entries]
    if not late:
        return []
    packed, data = close(site.settings, site.engine)
    went = [name for name in late if _put(name, site, packed, data)]
    note |= dict.fromkeys(went, packed.origin.entries)
    write_atomically(site.settings.state / _NOTE, json.dumps(note).encode(), mode=0o600)
    return went


def _put(name: str, site: Site, packed: Packed, data: bytes) -> bool:
    folder, origin = site.settings.state / FOLDER, packed.origin
    stamp = "".join(c for c in origin.at[:19] if c.isdigit())
    path = folder / f"{stamp}-{origin.entries:010d}.hcopy"
    try:
        host = site.node(name).host
        host.run(["install", "-d", "-m", "0700", str(folder)])
        host.write(str(path), data, mode=0o600)
        held = host.run(["ls", "-1", "--", str(folder)]).text.split()
        old = sorted(n for n in held if n.endswith(".hcopy"))[:-KEPT]
        if old:
            host.run(["rm", "-f", "--", *(str(folder / n) for n in old)])
        # After the copy: what it needs most is itself.
        wanted = list(packed.attachments)
        papers.keep_on(host, folder, site.settings.state, wanted, lock(site.settings))
    except (BoxError, OSError) as error:
        tell(f"records copy to {name}: {error}")
        return False
    return True


def _noted(settings: Settings) -> dict[str, Any]:
    try:
        held = json.loads((settings.state / _NOTE).read_bytes())
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}

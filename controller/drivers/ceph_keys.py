"""Keys of Ceph's own authentication (cephx): made here, written as keyring files, shown to nobody."""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance import chance, clock
from appliance.host import Host
from appliance.secret import Secret

MON = "mon.keyring"
ADMIN = "client.admin.keyring"
CLIENT = "client.hbox.keyring"
CLIENT_KEY = "client.hbox.key"
USER = "hbox"
_AES = 1  # the only kind of key that Ceph 18 knows
_LENGTH = 16


@dataclass(frozen=True)
class Entity:
    """Who may do what: `caps` by kind of daemon, as `ceph auth` writes them."""

    name: str
    caps: Mapping[str, str]


ADMINISTRATOR = Entity(
    "client.admin", {"mon": "allow *", "mgr": "allow *", "osd": "allow *", "mds": "allow *"}
)
HBOX = Entity(
    f"client.{USER}",
    {
        "mon": "profile rbd",
        "mgr": "profile rbd pool=hbox",
        "osd": "profile rbd pool=hbox",
    },
)
MONITORS = Entity("mon.", {"mon": "allow *"})


def manager(node: str) -> Entity:
    """Return the manager that runs on `node`."""
    return Entity(f"mgr.{node}", {"mon": "allow profile mgr", "osd": "allow *", "mds": "allow *"})


def new_key() -> Secret:
    """Return a fresh key: kind, seconds, nanoseconds, length and 16 random bytes, in base64.

    The form is Ceph's CryptoKey (src/auth/Crypto.h): little-endian u16, u32, u32, u16.
    """
    made = int(clock.now().timestamp())
    head = struct.pack("<HIIH", _AES, made, 0, _LENGTH)
    return Secret(base64.b64encode(head + chance.raw(_LENGTH)).decode())


def keyring(entries: Sequence[tuple[Entity, Secret]]) -> str:
    """Return the text of a keyring file; it holds secrets."""
    return "".join(
        f"[{entity.name}]\n\tkey = {key.reveal()}\n"
        + "".join(f'\tcaps {kind} = "{caps}"\n' for kind, caps in entity.caps.items())
        for entity, key in entries
    )


def key_of(text: str, name: str) -> Secret:
    """Return the key of the entity `name` in the keyring `text`; raises `KeyError`."""
    section = ""
    for line in (row.strip() for row in text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif section == name and line.startswith("key"):
            return Secret(line.partition("=")[2].strip())
    raise KeyError(name)


def first_keys(host: Host, folder: Path, managers: Sequence[str]) -> None:
    """Make the keys of a new cluster in `folder` (0700, files 0600); what is there stays.

    The monitors' first keyring comes last: where it is there, all is there.
    """
    host.run(["install", "-d", "-m", "0700", str(folder)])
    if _there(host, folder / MON):
        return
    everybody = [(entity, new_key()) for entity in (MONITORS, ADMINISTRATOR, HBOX)]
    everybody += [(manager(name), new_key()) for name in managers]
    for entity, key in everybody[1:]:
        save(host, folder, entity, key)
    save_text(host, folder / CLIENT_KEY, everybody[2][1].reveal())
    save_text(host, folder / MON, keyring(everybody))


def save(host: Host, folder: Path, entity: Entity, key: Secret) -> None:
    """Write the keyring of one entity, without its rights: those are the monitors' business."""
    text = keyring([(Entity(entity.name, {}), key)])
    save_text(host, folder / f"{entity.name}.keyring", text)


def save_text(host: Host, path: Path, text: str) -> None:
    """Write a secret file, 0600."""
    host.write(str(path), text.encode(), mode=0o600)


def kept(host: Host, folder: Path, name: str) -> Secret | None:
    """Return the key of `name` that lies in `folder`, if one does."""
    try:
        text = host.read(str(folder / f"{name}.keyring")).decode()
    except FileNotFoundError:
        return None
    return key_of(text, name)


def _there(host: Host, path: Path) -> bool:
    try:
        host.read(str(path))
    except FileNotFoundError:
        return False
    return True

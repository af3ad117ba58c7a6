"""Writes a guest's first-boot data (cloud-init NoCloud): static addresses, no gateway, no password.

A person's own user data is handed on as it was given, as the guest's user-data; the box's settings then go
beside it as vendor-data. cloud-init joins the two, key by key; where both set a key the person's counts,
and what may not be set is refused before it comes here.
"""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import yaml

LABEL = "cidata"  # the volume label by which cloud-init finds its NoCloud seed
_CONFIG = "#cloud-config\n"
# A boot hook, not a `bootcmd`: the person's own settings may hold one, and would take this one's place.
# It runs at every boot and acts once per instance, that is once for each machine that had this disk.
_RENEW = """\
#cloud-boothook
#!/bin/sh
exec cloud-init-per instance hbox-renew sh -c '
rm -f /etc/machine-id /var/lib/dbus/machine-id /etc/ssh/ssh_host_*
systemd-machine-id-setup
if command -v ssh-keygen >/dev/null; then ssh-keygen -A; fi
'
"""


@dataclass(frozen=True)
class Card:
    """One network interface: its MAC and the address that the controller gave it."""

    mac: str
    address: str


@dataclass(frozen=True)
class Guest:
    """What a guest must be told at its first boot. `subnet` like 10.66.0.0/24."""

    id: str
    name: str
    subnet: str
    cards: tuple[Card, ...]


def seed_files(guest: Guest, user_data: str = "", *, renew: bool = False) -> dict[str, bytes]:
    """Return the files of the seed volume: meta-data, user-data, network-config (version 2), vendor-data.

    `renew`: the disk has been another machine's, so what must be unique in a guest is made anew, once.
    """
    own = _CONFIG + _yaml(_settings(guest)).decode()
    files = {
        "meta-data": _yaml({"instance-id": guest.id, "local-hostname": guest.name}),
        "network-config": _yaml(_network(guest)),
        "user-data": (user_data or own).encode(),
    }
    beside = [*([own] if user_data else []), *([_RENEW] if renew else [])]
    return {**files, "vendor-data": _parts(beside)} if beside else files


def _parts(texts: Sequence[str]) -> bytes:
    """Return the box's own texts (never a person's) as cloud-init takes several: a MIME multipart."""
    if len(texts) == 1:
        return texts[0].encode()
    whole = MIMEMultipart(boundary="hbox-vendor-data")
    for text in texts:
        kind = "cloud-config" if text.startswith(_CONFIG) else "cloud-boothook"
        whole.attach(MIMEText(text, kind, "utf-8"))
    return whole.as_bytes()


def _network(guest: Guest) -> dict[str, object]:
    prefix = ipaddress.ip_network(guest.subnet).prefixlen
    # No gateway and no name server: the only way out of a zone is the gateway's own address in it.
    links = {
        f"zone{index}": {
            "match": {"macaddress": card.mac},
            "addresses": [f"{card.address}/{prefix}"],
            "dhcp4": False,
            "dhcp6": False,
            "accept-ra": False,
        }
        for index, card in enumerate(guest.cards)
    }
    return {"version": 2, "ethernets": links}


def _settings(guest: Guest) -> dict[str, object]:
    return {
        "hostname": guest.name,
        "preserve_hostname": False,
        "users": [],
        "disable_root": True,
        "ssh_pwauth": False,
        "ssh_deletekeys": False,
        "ssh_genkeytypes": [],
        "growpart": {"mode": "off"},
        "resize_rootfs": True,
    }


def _yaml(value: object) -> bytes:
    # Through JSON first: plain types only, so that no YAML tag can slip in.
    plain = json.loads(json.dumps(value))
    text: str = yaml.safe_dump(plain, sort_keys=True)
    return text.encode()

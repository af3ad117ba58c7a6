"""Writes a guest's first-boot data (cloud-init NoCloud): static address, no gateway, no password."""

import ipaddress
import json
from dataclasses import dataclass

import yaml

LABEL = "cidata"  # the volume label by which cloud-init finds its NoCloud seed


@dataclass(frozen=True)
class Guest:
    """What a guest must be told at its first boot. `subnet` like 10.66.0.0/24."""

    id: str
    name: str
    mac: str
    address: str
    subnet: str


def seed_files(guest: Guest) -> dict[str, bytes]:
    """Return the files of the seed volume: meta-data, user-data and network-config (version 2)."""
    return {
        "meta-data": _yaml({"instance-id": guest.id, "local-hostname": guest.name}),
        "network-config": _yaml(_network(guest)),
        "user-data": b"#cloud-config\n" + _yaml(_user_data(guest)),
    }


def _network(guest: Guest) -> dict[str, object]:
    prefix = ipaddress.ip_network(guest.subnet).prefixlen
    # No gateway and no name server: the only way out of a zone is the gateway's own address in it.
    link = {
        "match": {"macaddress": guest.mac},
        "addresses": [f"{guest.address}/{prefix}"],
        "dhcp4": False,
        "dhcp6": False,
        "accept-ra": False,
    }
    return {"version": 2, "ethernets": {"zone0": link}}


def _user_data(guest: Guest) -> dict[str, object]:
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
    text: str = yaml.safe_dump(plain, sort_keys=True, allow_unicode=True)
    return text.encode()

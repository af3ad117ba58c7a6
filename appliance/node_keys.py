"""A node's own keys for libvirt and QEMU: made here, never carried anywhere; only requests leave the node."""

import grp
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from appliance.files import write_atomically
from appliance.node_ca import PARTS

_QEMU_GROUP = "libvirt-qemu"


@dataclass(frozen=True)
class Place:
    """Where libvirt or QEMU looks for its files. `links`: further names of the same files."""

    key: str
    certificate: str
    authority: str
    revoked: str
    links: Mapping[str, str]


PLACES: Mapping[str, Place] = {
    "libvirt": Place(
        key="/etc/pki/libvirt/private/serverkey.pem",
        certificate="/etc/pki/libvirt/servercert.pem",
        authority="/etc/pki/CA/cacert.pem",
        revoked="/etc/pki/CA/cacrl.pem",
        links={
            "/etc/pki/libvirt/private/clientkey.pem": "serverkey.pem",
            "/etc/pki/libvirt/clientcert.pem": "servercert.pem",
        },
    ),
    "qemu": Place(
        key="/etc/pki/qemu/server-key.pem",
        certificate="/etc/pki/qemu/server-cert.pem",
        authority="/etc/pki/qemu/ca-cert.pem",
        revoked="/etc/pki/qemu/ca-crl.pem",
        links={
            "/etc/pki/qemu/client-key.pem": "server-key.pem",
            "/etc/pki/qemu/client-cert.pem": "server-cert.pem",
        },
    ),
    "log": Place(
        key="/etc/pki/hbox-log/key.pem",
        certificate="/etc/pki/hbox-log/cert.pem",
        authority="/etc/pki/hbox-log/ca.pem",
        revoked="/etc/pki/hbox-log/crl.pem",
        links={},
    ),
}
"""By part; what stands in `links` points to the file of that name beside it."""


def requests(
    name: str, *, fresh: bool = False, top: Path = Path("/"), parts: Sequence[str] = PARTS
) -> dict[str, str]:
    """Return a PKCS #10 request (PEM) per part for this node's keys, making the keys that are missing.

    `fresh` makes new keys: a node that joins brings none along from elsewhere.
    """
    made = {}
    for part in parts:
        place = PLACES[part]
        path = top / place.key.lstrip("/")
        if fresh or not path.exists():
            _make(path, shared=part == "qemu")
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{path} is not an EC key")
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        asked = x509.CertificateSigningRequestBuilder().subject_name(subject)
        made[part] = asked.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    return made


def lay_links(top: Path = Path("/")) -> None:
    """Give key and certificate the names under which a client looks for them, too."""
    for place in PLACES.values():
        for name, target in place.links.items():
            path = top / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_symlink() or os.readlink(path) != target:  # noqa: PTH115 - text, not a path
                path.unlink(missing_ok=True)
                path.symlink_to(target)


def _make(path: Path, *, shared: bool) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text, mode=0o600)
    if shared:
        # QEMU opens its key itself, as its own user.
        os.chown(path, -1, _group())
        path.chmod(0o640)


def _group() -> int:
    try:
        return grp.getgrnam(_QEMU_GROUP).gr_gid
    except KeyError:
        return -1  # a developer's machine without QEMU: root alone reads it

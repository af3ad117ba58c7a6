"""The certificates of both legs: made at first boot, renewed in time, handed over by the launcher."""

import json
from collections.abc import Mapping
from pathlib import Path

from appliance.ca import Authority, covers
from appliance.errors import Failed, Text
from appliance.files import write_atomically
from appliance.guomi_ca import GuomiAuthority
from network.gateway.suites import Contexts, NoIdentity
from network.zones import PLAN

LEGS = {"front": PLAN.extranet.leg_address, "back": PLAN.intranet.leg_address}
KINDS = ("tls", "sm")


class CertificatesUnread(Failed):
    """A leg's certificate or key is there, but cannot be read."""

    code = "gateway.certificates_unread"
    text = Text("网关证书无法读取：{why}", "The gateway's certificates cannot be read: {why}")


def ensure(
    keys: Path, authority: Authority, site: str, addresses: Mapping[str, str] = LEGS
) -> list[str]:
    """Make or renew what is missing or about to end in the folder `keys` (0700); return what was made.

    Each leg has `<leg>-tls` (ECDSA P-256, from the box's `authority`) and `<leg>-sm` (SM2, from an
    authority of its own), each as `.crt` and `.key`. A running gateway takes up new ones when it is
    started again. Raises `CommandFailed` when `openssl` could not sign.
    """
    guomi = GuomiAuthority(keys / "sm-ca.crt", keys / "sm-ca.key")
    guomi.ensure(site)
    made = []
    for leg, address in addresses.items():
        for kind in KINDS:
            certificate, key = _files(keys, leg, kind)
            if covers(certificate, [address]) and _usable(keys, leg, kind):
                continue
            if kind == "sm":
                guomi.issue(certificate, key, names=[address], site=site)
            else:
                authority.issue(certificate, key, names=[address], site=site, asks=True)
            made.append(certificate.stem)
    write_atomically(keys / "tls-ca.crt", authority.certificate.read_bytes(), mode=0o644)
    return made


def secrets(keys: Path, leg: str) -> bytes:
    """Return what `leg` (`front` or `back`) needs to speak TLS, as JSON; `{}` when nothing was made.

    A receiver's certificate must end at the box's own authority or at one that hospital IT put into
    `trusted-tls.crt` or `trusted-sm.crt` (PEM), unless the channel pins it.
    """
    told = {}
    try:
        for kind in KINDS:
            certificate, key = _files(keys, leg, kind)
            if certificate.exists() and key.exists():
                told[kind] = {
                    "key": key.read_text("ascii"),
                    "cert": certificate.read_text("ascii"),
                    "ca": _trusted(keys, kind),
                }
    except (OSError, UnicodeDecodeError) as error:
        raise CertificatesUnread(why=str(error)) from error
    return json.dumps(told).encode()


def _usable(keys: Path, leg: str, kind: str) -> bool:
    # A power cut while they were made may have left a key beside another key's certificate.
    try:
        Contexts.from_json(secrets(keys, leg)).accepting(kind, client_cert=False)
    except NoIdentity:
        return False
    return True


def _files(keys: Path, leg: str, kind: str) -> tuple[Path, Path]:
    return keys / f"{leg}-{kind}.crt", keys / f"{leg}-{kind}.key"


def _trusted(keys: Path, kind: str) -> str:
    found = [keys / f"{kind}-ca.crt", keys / f"trusted-{kind}.crt"]
    return "\n".join(path.read_text("ascii") for path in found if path.exists())

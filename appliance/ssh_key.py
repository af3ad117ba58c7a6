"""SSH key pairs of the box's own: made when they are first needed, kept for root alone."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from appliance.files import write_atomically


def public_key(path: Path) -> str:
    """Return the public key (OpenSSH, two fields) of the Ed25519 key in `path`, which is made where it is not there."""
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        text = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        write_atomically(path, text, mode=0o600)
    own = load_ssh_private_key(path.read_bytes(), password=None).public_key()
    return own.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")

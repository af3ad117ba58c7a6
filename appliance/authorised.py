"""The line of root's `authorized_keys` by which a node lets the box's controller in, and only from the nodes."""

from collections.abc import Iterable
from pathlib import Path

FILE = Path("/root/.ssh/authorized_keys")
_MARK = "hbox-controller"
_NO = "no-agent-forwarding,no-port-forwarding,no-X11-forwarding"


def authorised(text: str, key: str, addresses: Iterable[str]) -> str:
    """Return the file's text with the one line for `key` (OpenSSH, its first two fields) from `addresses`.

    Without a key, or without an address, there is no such line; other lines stay as they are.
    """
    kept = [line for line in text.splitlines() if not line.endswith(f" {_MARK}")]
    known = ",".join(sorted(set(addresses)))
    if key and known:
        kept.append(f'from="{known}",{_NO} {" ".join(key.split()[:2])} {_MARK}')
    return "".join(f"{line}\n" for line in kept)

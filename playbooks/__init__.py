"""Where the Ansible roles lie that bring a node to its state, and how they are run on the node itself."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).parent
STAMP = Path("/usr/lib/hbox/node-state")
"""On an image: the digest of the roles it was built with, so that its first boot need not run them."""


def state() -> str:
    """Return the SHA-256 over all roles: names and contents, in order."""
    sums = hashlib.sha256()
    for path in sorted(p for p in ROOT.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        sums.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return sums.hexdigest()


def argv(program: str, *, building: bool = False, book: str = "node.yml") -> list[str]:
    """Return the command that brings this machine to its state, or runs another playbook of ours on it.

    With `building` it runs inside an image's root, where no service is there to be restarted.
    """
    facts = f"ansible_python_interpreter=/usr/bin/python3 hbox_building={str(building).lower()}"
    return [program, "-i", "localhost,", "-c", "local", "-e", facts, str(ROOT / book)]

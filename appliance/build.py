"""Which build of HBox this machine runs: two nodes of one box must run the same."""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution


def digest() -> str:
    """Return the SHA-256 over what was installed (names and digests of all files); "" when not installed."""
    try:
        found = distribution("hbox")
    except PackageNotFoundError:
        return ""
    lines = (found.read_text("RECORD") or "").splitlines()
    # Compiled files carry no digest, and whether they are there says nothing.
    kept = sorted(line for line in lines if "sha256=" in line and ".dist-info/" not in line)
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()

"""The name under which evidence records this machine."""

import platform


def node_name() -> str:
    """Return the node's host name."""
    return platform.node() or "node"

"""One lab node that the benches share, taken down at the end."""

import atexit
import contextlib
import os
from collections.abc import Iterator
from functools import cache

from images import lab
from images.lab import Lab, LabNode
from images.sample.desk import Desk


@cache
def _shared() -> Lab:
    """Boot once per run; the lab is taken down when the program ends."""
    up = lab.up(f"bench{os.getpid()}", nodes=1, console_port=None)
    atexit.register(up.down)
    up.nodes[0].wait_ready(units=["hbox-web", "hbox-worker", "hbox-gateway"])
    Desk(up.nodes[0]).wait()
    return up


@contextlib.contextmanager
def node() -> Iterator[LabNode]:
    """Give the node with the controller up and serving."""
    yield _shared().nodes[0]


def box(command: str, *, user: str = "hbox-sys") -> list[str]:
    """Return the argv of one `hbox` command as a local administrator."""
    return ["runuser", "-u", user, "--", "hbox", *command.split()]

"""Three lab nodes with replicated storage that the benches share, taken down at the end."""

import atexit
import os
from functools import cache

from images import lab
from tests.cluster.box import ThreeNodes
from tests.cluster.test_cluster import OSD


@cache
def three() -> ThreeNodes:
    """Boot, join and set up storage once per run."""
    up = lab.up(f"bench{os.getpid()}c", nodes=3, console_port=None, patience=400)
    atexit.register(up.down)
    made = ThreeNodes(up)
    made.wait()
    for number in (1, 2):
        made.join(number)
    disks = [word for name in made.names for word in ("--disk", f"{name}:{OSD}")]
    nodes = [word for name in made.names for word in ("--node", name)]
    made.hbox("storage", "setup", *nodes, *disks)
    made.healthy()
    return made

"""Has a node overwrite what an RBD image itself holds (not its parent's blocks) and read it back."""

import json
from pathlib import Path
from typing import Any

from appliance import chance
from appliance.host import CommandFailed
from controller.drivers import at_node_rbd, places
from controller.drivers.rbd import Pool

_TURN = 20.0  # seconds of overwriting in one call to the node, so that no call hangs for hours
_PROGRAM = Path(at_node_rbd.__file__).read_bytes()


def overwrite(pool: Pool, image: str, volume: str) -> tuple[int, bool]:
    """Overwrite the image's own blocks with a pattern; bytes written, and whether samples read back."""
    seed, start, written = chance.token(16), 0, 0
    turn: dict[str, Any] = {}
    while start >= 0:
        words = (pool.name, image, pool.user, seed, str(start), str(_TURN))
        argv = ["/usr/bin/python3", "-I", "-", *words]
        try:
            said = pool.host.run(argv, stdin=_PROGRAM, timeout=_TURN + 600).out
        except CommandFailed as error:
            raise places.translated(error, "rbd", volume, "overwrite") from error
        turn = json.loads(said)
        start, written = int(turn["next"]), written + int(turn["bytes"])
    return written, bool(turn["verified"])

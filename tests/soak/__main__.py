"""`make soak`: 10,000 messages through at least 200 kills, full disks, slow and absent receivers; prints what happened."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.netns.world import World
from tests.soak.storm import Storm, weather


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--phases", type=int, default=4, help="of each kind")
    given = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("需要 root：要建网络命名空间 needs root: it builds network namespaces")
    storm = Storm(given.seed, given.messages, given.kills, full=given.phases, slow=given.phases,
                  away=given.phases, odds=0.002, disk=256)  # fmt: skip
    sys.stdout.write(f"{storm}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="hbox-soak-") as folder:
        world = World(Path(folder))
        try:
            tally = weather(world, storm)
        finally:
            world.close()
    sys.stdout.write(tally.table() + "\n")
    bad = tally.lost + tally.doubled + tally.disordered
    missed = tally.kills.total() < given.kills or tally.phases["disk full"] < given.phases
    sys.stdout.write("不合格 FAILED\n" if bad or missed else "合格 passed\n")
    return int(bool(bad or missed))


if __name__ == "__main__":
    sys.exit(main())

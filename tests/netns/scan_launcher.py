"""The launcher with a guard that a test drives; everything else is the product's."""

import sys
from pathlib import Path

from network.gateway.launcher import PROGRAMS, Launcher, read_layout

ASKING = (
    "-c",
    f"import runpy; runpy.run_path({str(Path(__file__).with_name('asking_guard.py'))!r}, run_name='__main__')",
)

Launcher(read_layout(Path(sys.argv[-1])), {**PROGRAMS, "guard": ASKING}).run()

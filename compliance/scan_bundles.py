"""Lets the box's own scanner look at the bundles of modules; prints one line for each: `FILE: clean` or what it said.

python -I -m compliance.scan_bundles [STATE]
"""

import sys
from pathlib import Path

from compliance.eicar import SOCKET, ask

MOST = 256 << 20  # bytes in all; what is beyond is left out and seen to be missing


def main(arguments: list[str]) -> int:
    """Print the lines; exit 0 when every bundle was clean, 1 otherwise."""
    folder = Path(arguments[0] if arguments else "/var/lib/hbox") / "modules" / "bundles"
    left, code = MOST, 0
    for path in sorted(folder.glob("*.hmod")):
        left -= path.stat().st_size
        if left < 0:
            break
        try:
            said = ask(SOCKET, path.read_bytes())
        except OSError as error:
            said = f"no answer ({type(error).__name__})"
        code |= said != "clean"
        sys.stdout.write(f"{path.name}: {said}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

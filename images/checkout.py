"""The source tree that images are built from, and one digest over all of it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import Text, Unavailable

TOP = Path(__file__).resolve().parents[1]
FOLDERS = ("appliance", "hardware", "network", "images", "playbooks", "compliance", "controller")
FILES = ("pyproject.toml", "LICENSE")


class NoCheckout(Unavailable):
    """Images are built from a source checkout; an installed box has none."""

    code = "images.no_checkout"
    text = Text("{path} 不是医盒源码目录", "{path} is not a checkout of HBox")
    hint = Text("请在源码目录中运行。", "Run it from a source checkout.")


def text(name: str) -> str:
    """Return a top-level file of the checkout."""
    try:
        return (TOP / name).read_text("utf-8")
    except FileNotFoundError as error:
        raise NoCheckout(path=TOP) from error


def files(top: Path = TOP) -> Iterator[Path]:
    """Yield every file that goes into the box, in a fixed order, caches left out."""
    for name in FILES:
        if (top / name).exists():
            yield top / name
    for folder in FOLDERS:
        for path in sorted((top / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and _counts(path):
                yield path


def digest(top: Path = TOP) -> str:
    """Return the SHA-256 over names, modes and contents of `files`."""
    running = hashlib.sha256()
    for path in files(top):
        content = path.read_bytes()
        mode = path.stat().st_mode & 0o111
        running.update(f"{path.relative_to(top)}\0{mode:o}\0{len(content)}\0".encode())
        running.update(content)
    return running.hexdigest()


def _counts(path: Path) -> bool:
    return "__pycache__" not in path.parts and path.suffix != ".pyc"

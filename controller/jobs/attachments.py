"""The files of people's statements, each kept under its SHA-256: one that is another by now is none."""

from pathlib import Path

from appliance.canonical import digest
from controller.actions.papers import FILE_LIMIT

FOLDER = "attachments"  # below the box's state


def good(state: Path, seen: str) -> bytes | None:
    """Return the attachment kept under that SHA-256; None where it is gone or is another file."""
    path = state / FOLDER / seen
    if path.is_symlink() or not path.is_file() or path.stat().st_size > FILE_LIMIT:
        return None
    data = path.read_bytes()
    return data if digest(data) == seen else None

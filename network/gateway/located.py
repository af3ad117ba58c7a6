"""On which line of a TOML text a field stands: for error messages only, the reading is tomllib's."""

import re

_HEAD = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?")


def line_of(text: str, place: tuple[str | int, ...]) -> int:
    """Return the line (from 1) of the field at `place`, the nearest outer one it can find, or 0."""
    if not place:
        return 0
    lines = text.split("\n")
    name = str(place[0])
    index = place[1] if len(place) > 1 and isinstance(place[1], int) else None
    start, end = _block(lines, name, index)
    if start < 0:
        return 0
    wanted = next((p for p in reversed(place[1:]) if isinstance(p, str)), None)
    if wanted is not None:
        for at in range(start, end):
            if re.search(rf"(^|[\s,{{]){re.escape(wanted)}\s*=", lines[at]):
                return at + 1
    return start + 1


def _block(lines: list[str], name: str, index: int | None) -> tuple[int, int]:
    """Return first and last+1 line of a top-level field, or of its element number `index`."""
    heads = [at for at, line in enumerate(lines) if (m := _HEAD.match(line)) and m[2] == name]
    if heads:
        start = heads[min(index or 0, len(heads) - 1)]
        return start, _next(lines, start + 1, _HEAD)
    key = re.compile(rf"\s*{re.escape(name)}\s*=")
    start = next((at for at, line in enumerate(lines) if key.match(line)), -1)
    if start < 0:
        return -1, -1
    end = _next(lines, start + 1, re.compile(r"\s*([A-Za-z0-9_-]+\s*=|\[\[?[A-Za-z])"))
    if index is None:
        return start, end
    items = [at for at in range(start, end) if lines[at].lstrip().startswith(("{", '"', "'"))]
    return (items[index], items[index] + 1) if index < len(items) else (start, end)


def _next(lines: list[str], start: int, pattern: re.Pattern[str]) -> int:
    return next((at for at in range(start, len(lines)) if pattern.match(lines[at])), len(lines))

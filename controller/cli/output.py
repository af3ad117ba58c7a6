"""Printing answers: a table for people, JSON or YAML for programs."""

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import yaml

FORMATS = ("table", "json", "yaml")
Columns = Sequence[tuple[str, str]]
"""Heading and dotted path of each column."""


def show(value: Any, form: str, columns: Columns) -> None:
    """Print a list as a table with `columns`, one object as lines; or either as JSON or YAML."""
    sys.stdout.write(rendered(value, form, columns))


def rendered(value: Any, form: str, columns: Columns) -> str:
    """Return what `show` prints."""
    if form == "json":
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    if form == "yaml":
        return yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
    if isinstance(value, list):
        return _table([[_cell(one, path) for _, path in columns] for one in value], columns)
    width = max(_width(heading) for heading, _ in columns)
    lines = [f"{_padded(heading, width)}  {_cell(value, path)}" for heading, path in columns]
    return "\n".join(lines) + "\n"


def _table(rows: list[list[str]], columns: Columns) -> str:
    if not rows:
        return "（无 none）\n"
    whole = [[heading for heading, _ in columns], *rows]
    widths = [max(_width(row[i]) for row in whole) for i in range(len(columns))]
    lines = [
        "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in whole
    ]
    return "\n".join(lines) + "\n"


def _cell(value: Any, path: str) -> str:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, dict) and set(value) == {"zh", "en"}:
        return f"{value['zh']} {value['en']}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))

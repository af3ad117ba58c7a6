"""Progress of long work for a person: step, measured time, and an estimate from earlier runs."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from appliance.clock import monotonic
from appliance.host import write_atomically

_KEPT = 5  # runs remembered per step


class Progress:
    """Prints one line when a step starts and one when it ends; remembers how long steps took.

    `memory` is a small JSON file, `{step: [seconds, …]}`; a broken one is started anew.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._began = monotonic()
        self._past: dict[str, list[float]] = _remembered(memory)

    @contextlib.contextmanager
    def step(self, key: str, zh: str, en: str) -> Iterator[None]:
        """Announce and time one step; `key` names it across runs."""
        past = self._past.get(key, [])
        guess = f"（上次 {past[-1]:.0f} 秒）" if past else ""
        _say(f"▶ {zh} {en} {guess}")
        start = monotonic()
        try:
            yield
        except BaseException:
            _say(f"✗ {zh} {en}: {monotonic() - start:.1f} s")
            raise
        seconds = monotonic() - start
        _say(f"✓ {zh} {en}: {seconds:.1f} s")
        self._past[key] = [*past, round(seconds, 1)][-_KEPT:]
        write_atomically(self._memory, json.dumps(self._past, ensure_ascii=False).encode())

    def total(self) -> float:
        """Seconds since this object was made."""
        return monotonic() - self._began


def _remembered(memory: Path) -> dict[str, list[float]]:
    try:
        loaded = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _say(line: str) -> None:
    sys.stderr.write(line.rstrip() + "\n")
    sys.stderr.flush()

"""The gateway whose guard dies by itself at steps of its journal's writing; for tests only.

The file `shaken.json` beside the layout says how: `odds` of dying at each step, `seed`, `segment` and
`spare` bytes of the journal's files, and `sabotage`: acknowledge before anything is on the disk.
"""

import argparse
import json
from pathlib import Path

from network.gateway import launcher
from network.gateway.launcher import PROGRAMS, Launcher, read_layout

GUARD = """
import os, random
from network.gateway import guard, journal, segments
how = {how!r}
dice = random.Random(how["seed"] + " " + how["start"])

def step():
    if dice.random() < how["odds"]:
        os._exit(9)  # as abrupt as a kill, and at this very point

class Fragile:
    def __getattr__(self, name):
        return getattr(os, name)
    def write(self, descriptor, data):
        step()
        if dice.random() < how["odds"]:
            os.write(descriptor, data[: len(data) // 2])
            os._exit(9)
        written = os.write(descriptor, data)
        step()
        return written
    def fdatasync(self, descriptor):
        os.fdatasync(descriptor)
        step()

journal.os = Fragile()
journal.Journal.__init__.__kwdefaults__.update(segment_limit=how["segment"], spare=how["spare"])

if how["sabotage"]:
    # It acknowledges, means to write a little later, and dies in between.
    import time
    real, read, doomed, taken = journal.Journal.commit, segments.Place.read, [], []
    def late(self):
        if b'"event":"accepted"' in self._waiting:
            taken.append(1)
        if not doomed and len(taken) > 8:
            doomed[:] = [self, time.monotonic() + 0.1]
        if not doomed:
            real(self)
        elif time.monotonic() > doomed[1]:
            os._exit(9)
    def anew(self):
        if doomed and doomed[0]._path == self.segment:
            held = doomed[0]._waiting
            at = self.at - (doomed[0]._size - len(held))
            if at >= 0:
                told, stored = segments.split(bytes(held[at : at + self.size]))
                return self.vault.open(self.key, self.number, told, stored)
        return read(self)
    begin = journal.Journal._begin
    def first(self, size):
        real(self)  # a file must be whole before the next one begins
        begin(self, size)
    journal.Journal.commit, journal.Journal._begin, segments.Place.read = late, first, anew

guard.main()
"""


class Shaken(dict[str, tuple[str, ...]]):
    """The four programs; the guard's dice are other ones at every start."""

    def __init__(self, how: dict[str, object], count: Path) -> None:
        super().__init__(PROGRAMS)
        self._how, self._count = how, count

    def __iter__(self):
        start = int(self._count.read_text()) + 1 if self._count.exists() else 1
        self._count.write_text(str(start))
        self["guard"] = ("-c", GUARD.format(how={**self._how, "start": str(start)}))
        return super().__iter__()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", type=Path)
    file = parser.parse_args().layout
    launcher._BACKOFF = (0.05,)  # hundreds of restarts are the point here
    how = json.loads((file.parent / "shaken.json").read_text())
    Launcher(read_layout(file), Shaken(how, file.parent / "starts")).run()


if __name__ == "__main__":
    main()

"""In the guard's place: sends the scans that a test has written down, writes down the verdicts."""

import argparse
import json
import os
from pathlib import Path

from appliance.clock import pause
from network.gateway.frames import Frame, Kind, Splitter, render


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--from-scan", type=int)
    parser.add_argument("--to-scan", type=int)
    given, _ = parser.parse_known_args()
    wanted, splitter = given.folder / "journal" / "scans.json", Splitter()
    while True:
        if not wanted.exists():
            pause(0.02)
            continue
        asked = json.loads(wanted.read_text())
        for ident, (target, body, limit) in enumerate(asked):
            data = render(
                Frame(Kind.SCAN, ident, target=target, limit=limit, body=bytes.fromhex(body))
            )
            while data:
                data = data[os.write(given.to_scan, data) :]
        verdicts = {}
        while len(verdicts) < len(asked):
            for frame in splitter.feed(os.read(given.from_scan, 65536)):
                verdicts[frame.ident] = [frame.status, frame.code]
        wanted.unlink()
        done = wanted.with_name("verdicts.new")
        done.write_text(json.dumps([verdicts[ident] for ident in range(len(asked))]))
        done.rename(wanted.with_name("verdicts.json"))


if __name__ == "__main__":
    main()

"""Fuzzes one parser for a bounded time: `python -m tests.fuzz.one <target> <seconds> <folder> [seed]`."""

import sys
from pathlib import Path

import atheris

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

SLOW = 5  # seconds that one input of at most LONGEST bytes may take, instrumented
LONGEST = 16384
MEMORY = 768  # MiB


def main(name, seconds, folder, seed="1"):
    target, lawful = TARGETS[name]
    corpus = Path(folder) / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(SEEDS[name]):
        (corpus / f"seed{number}").write_bytes(data)

    def once(data):
        try:
            target(data)
        except lawful:
            pass

    limits = [
        f"-max_total_time={seconds}",
        f"-timeout={SLOW}",
        f"-max_len={LONGEST}",
        f"-seed={seed}",
    ]
    report = [
        f"-rss_limit_mb={MEMORY}",
        "-print_final_stats=1",
        f"-artifact_prefix={folder}/{name}-",
    ]
    atheris.Setup([sys.argv[0], *limits, *report, str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])

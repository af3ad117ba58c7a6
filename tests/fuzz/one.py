"""Fuzzes one parser: `python -m tests.fuzz.one <target> <bound> <folder> [seed]`, bound `8000r` or `60s`."""

import sys
from pathlib import Path

import atheris

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

SLOW = 5  # seconds that one input of at most LONGEST bytes may take, instrumented
LONGEST = 16384
MEMORY = 768  # MiB


def main(name, bound, folder, seed="1"):
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

    # A number of runs with one seed is the same every time; a time is for long searches.
    how = f"-runs={bound[:-1]}" if bound.endswith("r") else f"-max_total_time={bound[:-1]}"
    limits = [
        how,
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

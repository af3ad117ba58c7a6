"""The inspector's process: asks this machine, writes an unsigned report, tells progress on stderr.

    python -I -m compliance.inspect --out FILE [--handed FILE] [--given FILE] [--objects host,boundary]
        [--site NAME]

Each progress line is JSON: {"done", "of", "check", "object", "verdict"}. Exit 0 when a report was
written, whatever it says; signing is the caller's, who holds the key.
"""

import argparse
import json
import sys
from pathlib import Path

from appliance.host import LocalHost, write_atomically
from appliance.settings import load as settings
from compliance import catalogue, given_file, privileged, report
from compliance.given import NOTHING
from compliance.model import Kind, Outcome
from compliance.run import INSPECTED, Order, run
from compliance.where import node_name


def main(arguments: list[str] | None = None) -> int:
    """Inspect this machine as the command line says."""
    asked = _parser().parse_args(arguments)
    people = given_file.read(asked.given) if asked.given else NOTHING
    kinds = tuple(Kind(name) for name in asked.objects.split(","))
    order = Order(asked.site or settings().site_name, node_name(), kinds)
    handed = privileged.read(asked.handed) if asked.handed else None
    found = run(LocalHost(), catalogue.load(), order, handed=handed, given=people, told=_tell)
    body = json.dumps(report.build(found), ensure_ascii=False).encode()
    write_atomically(asked.out, body, mode=0o640)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compliance.inspect", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="file for the unsigned report")
    parser.add_argument("--handed", type=Path, help="answers brought by compliance.privileged")
    parser.add_argument("--given", type=Path, help="what people gave (compliance.given_file)")
    parser.add_argument("--site", default="", help="the hospital's name; default: the setting")
    parser.add_argument("--objects", default=",".join(INSPECTED), help="kinds of object, by comma")
    return parser


def _tell(done: int, of: int, outcome: Outcome) -> None:
    line = {
        "done": done,
        "of": of,
        "check": outcome.check.id,
        "title": outcome.check.title.as_dict(),
        "object": outcome.subject.ref,
        "verdict": str(outcome.verdict),
    }
    sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

"""The inspector's process: asks this machine, writes an unsigned report, tells progress on stderr.

    python -I -m compliance.inspect --out FILE [--handed FILE] [--given FILE] [--objects host,boundary]
        [--site NAME] [--nodes FILE --key FILE --known-hosts FILE]

Each progress line is JSON: {"done", "of", "check", "object", "verdict"}. Exit 0 when a report was
written, whatever it says; signing is the caller's, who holds the key.
"""

import argparse
import json
import sys
from pathlib import Path

from appliance.files import write_atomically
from appliance.settings import load as settings
from compliance import catalogue, far, given_file, privileged, report
from compliance.asking import this_machine
from compliance.given import NOTHING
from compliance.model import Kind, Outcome
from compliance.run import INSPECTED, Means, Order, run
from compliance.where import node_name


def main(arguments: list[str] | None = None) -> int:
    """Inspect this machine as the command line says."""
    asked = _parser().parse_args(arguments)
    people = given_file.read(asked.given) if asked.given else NOTHING
    kinds = tuple(Kind(name) for name in asked.objects.split(","))
    nodes = far.load(asked.nodes) if asked.nodes else []
    line = far.Line(asked.key, asked.known_hosts)
    names = tuple(node.name for node in nodes)
    order = Order(asked.site or settings().site_name, node_name(), kinds, names)
    handed = privileged.read(asked.handed) if asked.handed else None
    means = Means(handed, lambda home: far.gather(nodes, line, home))
    found = run(this_machine(), catalogue.load(), order, means=means, given=people, told=_tell)
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
    parser.add_argument("--nodes", type=Path, help="the box's other nodes (compliance.far)")
    parser.add_argument("--key", type=Path, default=Path("/dev/null"), help="our SSH key for them")
    parser.add_argument(
        "--known-hosts", type=Path, default=Path("/dev/null"), help="the keys they are known by"
    )
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

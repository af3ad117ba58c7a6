"""Print which numbers in the official FHIR examples are taken for personal ones: python -m tests.medicine.false_hits.

The examples are no Chinese patients', so every hit is a false one (or a number that happens to have the form).
"""

import sys
from collections import Counter
from collections.abc import Iterator

from network.gateway import dlp
from network.gateway.fhir.concepts import concepts
from network.gateway.findings import readable
from network.gateway.frames import Frame, Kind
from network.gateway.protocols.fhir import Fhir
from tests.medicine.channels import WHOLE
from tests.medicine.examples import COUNT, examples


def texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of every value of a parsed example."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from texts(item, f"{path}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from texts(item, f"{path}[{number}]")
    elif value is not None and not isinstance(value, bool):
        yield path, str(value)


def hits() -> Iterator[tuple[str, str, str, str]]:
    """Yield example, path, kind and number of every hit."""
    plan = Fhir().plan(WHOLE)
    for example in examples():
        known = set(concepts(example.value))
        asked = Frame(Kind.ASK, 1, "POST", f"/fhir/{example.type}", WHOLE.peer, body=example.body)
        files = (("(attachment)", readable(data)) for data in plan.ask(asked).attachments)
        for path, text in (*texts(example.value), *files):
            for hit in dlp.find(text):
                if text[hit.start : hit.end] not in known:
                    yield example.name, path, hit.kind, text[hit.start : hit.end]


def main() -> None:
    found = list(hits())
    out = sys.stdout.write
    out(f"{'example':<58} {'where':<44} {'kind':<10} number\n")
    for name, path, kind, number in found:
        out(f"{name[:57]:<58} {path[-43:]:<44} {kind:<10} {number}\n")
    kinds = Counter(kind for _, _, kind, _ in found)
    said = ", ".join(f"{kind} {kinds[kind]}" for kind in sorted(dlp.KINDS))
    in_examples = len({name for name, *_ in found})
    size = sum(len(one.body) for one in examples()) / 1e6
    out(
        f"\nfalse hits: {len(found)} ({said}) in {in_examples} of {COUNT} examples, {size:.1f} MB\n"
    )


if __name__ == "__main__":
    main()

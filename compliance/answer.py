"""Answers for this node alone: puts the questions about host and hypervisor and prints the evidence; judges nothing.

    python -I -m compliance.answer --handed FILE

The questions are those of the table of checks. Nothing that the caller sends can choose or alter one:
standard input is never read. The first line names the node and its clock, the last one how many answers
there were; each line between is a piece of evidence as JSON.
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from appliance.clock import iso
from compliance import privileged
from compliance.asking import Asker, Asks, this_machine
from compliance.checks import CHECKS
from compliance.checks.asked import CONTAINER, PYTHON
from compliance.engine import WORKERS, in_container
from compliance.model import Kind
from compliance.questions import READER, Command, Question
from compliance.where import node_name

FORMAT = "hbox-answers/1"
KINDS = (Kind.HOST, Kind.HYPERVISOR)
"""Kinds of object that every node has; all others are the box's, and are asked where the controller runs."""

_OF_THE_BOX = (READER, (PYTHON, "-I", "-m", "compliance.erased"))


def of_the_box(question: Question) -> bool:
    """Whether only the node with the controller can answer it: it reads the box's records."""
    return isinstance(question, Command) and any(
        question.argv[: len(one)] == one for one in _OF_THE_BOX
    )


def questions(*, container: bool) -> list[Question]:
    """Return what a node is asked, each once, in the table's order."""
    return list(dict.fromkeys([CONTAINER, *_questions(container=container)]))


def _questions(*, container: bool) -> Iterator[Question]:
    for check in CHECKS:
        if check.kind in KINDS and not (container and check.kernel_bound):
            yield from (one for one in check.questions if not of_the_box(one))


def answer(asks: Asks, where: str) -> None:
    """Print the head, every answer as it comes, and the end."""
    one_at_a_time = threading.Lock()

    def tell(line: dict[str, Any]) -> None:
        with one_at_a_time:
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    tell({"format": FORMAT, "node": where, "at": iso()})
    wanted = questions(container=in_container(asks(CONTAINER)))
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda one: tell(asks(one).as_dict()), wanted))
    tell({"end": len(wanted)})


def main(arguments: list[str] | None = None) -> int:
    """Answer as the command line says; when nobody listens any more, end."""
    parser = argparse.ArgumentParser(prog="compliance.answer", description=__doc__)
    parser.add_argument("--handed", type=Path, help="answers brought by compliance.privileged")
    asked = parser.parse_args(arguments)
    os.nice(5)  # hospitals work meanwhile
    handed = privileged.read(asked.handed) if asked.handed else None
    answer(Asker(this_machine(), node_name(), handed), node_name())
    return 0


if __name__ == "__main__":
    sys.exit(main())

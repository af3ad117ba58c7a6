"""Puts the few questions that need root, before the inspector starts without it; changes nothing.

    python -I -m compliance.privileged FILE [KINDS]

The questions are fixed by the table of checks: nothing on the command line or in the environment
can add one; KINDS (host,hypervisor) only leaves out those of other kinds of object. The answers lie
in FILE (0640, group hbox-inspect where there is one), one per line.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from appliance.files import write_atomically
from compliance.asking import Asker, put, this_machine
from compliance.checks import CHECKS
from compliance.checks.asked import CONTAINER
from compliance.engine import in_container
from compliance.evidence import Answer, Evidence, Status
from compliance.model import Kind
from compliance.questions import Command
from compliance.where import node_name

TOGETHER = 4  # questions put at once, so that one that hangs does not hold up all


def questions(kinds: Sequence[Kind] = tuple(Kind)) -> list[Command]:
    """Return every question of the table that needs root, each once, in the table's order."""
    return list(dict.fromkeys(_questions(kinds)))


def _questions(kinds: Sequence[Kind]) -> Iterator[Command]:
    kernel_is_ours = not in_container(put(this_machine(), CONTAINER, ""))
    for check in CHECKS:
        if check.kind not in kinds or (check.kernel_bound and not kernel_is_ours):
            continue
        yield from (q for q in check.questions if isinstance(q, Command) and q.root)


def write(file: Path, kinds: Sequence[Kind] = tuple(Kind)) -> None:
    """Ask, and write the answers to `file`."""
    asks = Asker(this_machine(), node_name())
    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = list(pool.map(asks, questions(kinds)))
    lines = [json.dumps(answer.as_dict(), ensure_ascii=False) for answer in answers]
    write_atomically(file, ("\n".join(lines) + "\n").encode(), mode=0o640)
    try:
        shutil.chown(file, group="hbox-inspect")
    except LookupError:
        return  # a developer's machine has no such group; root reads the file itself


def read(file: Path) -> dict[str, Evidence]:
    """Read such a file; an answer whose digest does not fit raises `ValueError`."""
    handed = {}
    for line in file.read_text("utf-8").splitlines():
        raw = json.loads(line)
        answer = Answer(raw["answer"], Status(raw["status"]), raw["exit"])
        evidence = Evidence.of(raw["asked"], answer, at=raw["at"], where=raw["where"])
        if evidence.sha256 != raw["sha256"]:
            raise ValueError(f"altered answer: {evidence.asked}")
        handed[evidence.asked] = evidence
    return handed


if __name__ == "__main__":
    write(
        Path(sys.argv[1]),
        [Kind(one) for one in sys.argv[2].split(",")] if sys.argv[2:] else tuple(Kind),
    )

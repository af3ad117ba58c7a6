"""Our reading of HL7 v2 beside python-hl7's and hl7apy's, field by field where they can read at all."""

import re
import subprocess
import sys
from pathlib import Path

import hl7
import hl7apy.exceptions
import hl7apy.parser
import pytest

from network.gateway.hl7.message import parse
from tests.unit.network import hl7_samples as samples
from tests.unit.network import mllp_peers, mllp_talk

ROOT = Path(__file__).resolve().parents[3]
TEXTS = {name: samples.ALL[name] for name in samples.ALL}
for _name in ("A1", "U1", "trail", "trail-facility", "four", "own-marks", "G-silent", "L1"):
    TEXTS[_name] = (
        mllp_talk.message(_name).decode(mllp_talk.cases()["messages"][_name]["in"]).rstrip("\r")
    )


def ours(text):
    """Return {(segment number, name, field): text} of everything that is there."""
    told = parse(
        (text + "\r")
        .encode("gb18030")
        .replace(b"UNICODE UTF-8", b"GB18030")
        .replace(b"8859/1", b"GB18030")
    )
    found = {}
    for at, line in enumerate(told.lines):
        name, *fields = line.split(told.head.separators.field)
        first = 2 if name == "MSH" else 1
        found.update({(at, name, n): v for n, v in enumerate(fields, first) if v})
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_python_hl7_reads_the_same(name):
    theirs = {}
    for at, segment in enumerate(hl7.parse(TEXTS[name])):
        for number, value in enumerate(segment):
            if number and str(value) and not (str(segment[0]) == "MSH" and number == 1):
                theirs[at, str(segment[0]), number] = str(value)
    mine = {
        place: value.replace("GB18030", theirs[place]) if place[1:] == ("MSH", 18) else value
        for place, value in ours(TEXTS[name]).items()
    }
    assert mine == theirs


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "own-marks"])
def test_hl7apy_reads_the_same(name):
    """It knows the fields of each version: a field of ours must be there with the same text."""
    try:
        told = hl7apy.parser.parse_message(TEXTS[name], find_groups=False)
    except hl7apy.exceptions.HL7apyException as error:
        pytest.fail(f"hl7apy does not read {name}: {error}")
    segments = list(told.children)
    checked = 0
    for (at, segment, number), value in ours(TEXTS[name]).items():
        if number < 3 or (segment, number) == ("MSH", 18) or "\\" in value:
            continue  # it writes escapes anew in its own way
        field = getattr(segments[at], f"{segment}_{number}".lower())
        theirs = "~".join(repetition.to_er7() for repetition in field)
        assert theirs == value, (segment, number)
        checked += 1
    assert checked > 8


def test_the_comparison_of_servers_runs():
    """In a process of its own: other servers leave connections behind."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.network.mllp_peers", "0.7"], cwd=ROOT, capture_output=True,
        text=True, timeout=50, check=True,
    )  # fmt: skip
    head, *_, sums = done.stdout.rstrip().split("\n")
    assert [name for name in ("HBox", "python-hl7", "hl7apy") if name not in head] == []
    ours, *theirs = [int(n) for n in re.findall(r"(\d+) of", sums)]
    assert ours == len(mllp_peers.CASES) >= 50
    assert all(10 <= passed < ours for passed in theirs)

"""Every parser of the gateway under a coverage-guided fuzzer: no crash, no hang, no growth."""

import os
import re
import sys

import pytest

from appliance.host import LocalHost
from tests.fuzz.seeds import SEEDS

BOUND = os.environ.get("HBOX_FUZZ", "20000r")  # the same inputs every time; `60s` searches on
SEED = os.environ.get("HBOX_FUZZ_SEED", "1")
GROWTH = 400  # MiB of a whole run, interpreter, libraries and corpus included


def fuzz(name, folder):
    argv = [sys.executable, "-m", "tests.fuzz.one", name, BOUND, str(folder), SEED]
    return LocalHost().run(argv, timeout=300, check=False, env={"PYTHONHASHSEED": "0"})


def figures(said):
    return {k: int(v) for k, v in re.findall(r"stat::(\w+):\s+(\d+)", said)}


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_a_parser_neither_crashes_nor_hangs_nor_grows(name, tmp_path):
    done = fuzz(name, tmp_path)
    said = done.err.decode("utf-8", "replace")
    assert done.code == 0, said[-4000:]
    seen = figures(said)
    assert seen["number_of_executed_units"] > 50
    assert seen["peak_rss_mb"] < GROWTH


def test_every_parser_has_seeds():
    listed = LocalHost().run(
        [sys.executable, "-c", "from tests.fuzz.targets import TARGETS; print(*TARGETS)"]
    )
    assert set(listed.out.decode().split()) == set(SEEDS)


@pytest.mark.parametrize(
    "defect",
    ["raise KeyError(data)", "exec('while True: pass')", "kept.append(bytearray(8 << 20))"],
)
def test_the_harness_sees_a_defect(tmp_path, defect):
    """A parser that crashes, hangs or grows must not pass."""
    script = (
        "import sys; from tests.fuzz import one, seeds; kept = []\n"
        f"def broken(data):\n    if len(data) > 1: {defect}\n"
        "one.TARGETS['broken'] = (broken, ()); one.SEEDS['broken'] = [b'abc']; one.SLOW = 1\n"
        f"one.main('broken', '20s', {str(tmp_path)!r})\n"
    )
    assert LocalHost().run([sys.executable, "-c", script], timeout=120, check=False).code != 0

"""Whatever a machine says: bounded in memory and time, escaped wherever it is shown, and nothing conforms by it."""

import json
import re
import resource
import subprocess
import sys
import time

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.host import LocalHost
from compliance import engine, report
from compliance.asking import ALL, Asker, put, this_machine
from compliance.checks import CHECKS
from compliance.evidence import LIMIT, Answer, Evidence, Status
from compliance.exports.xlsx import xlsx
from compliance.model import Check, Kind, Verdict
from compliance.questions import Command, File, command
from compliance.run import Means, Order, run
from compliance.verify import check_content
from controller.cli.verdicts import told
from tests.unit.compliance.small import small

MIB = 1 << 20
AT = "2026-11-22T10:00:00+00:00"

# What may stand where an answer should: none of it is what any program of the table says.
HOSTILE = {
    "binary": "\x00\x01�\x1b[2J\x1b]0;owned\x07" * 50,
    "html": "<script>alert(1)</script>\n" * 20,
    "formula": "=cmd|' /C calc'!A0\n" * 20,
    "long": "A" * 200_000,
    "deep": '{"a":' * 5_000,
    "undecodable": "�" * 1000,
    "null": "null",
    "number": "1" * 5000,
}


def proofs(check, text):
    return tuple(
        Evidence.of(one.asked, Answer(text, Status.ANSWERED), at=AT, where="n1")
        for one in check.questions
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_check_conforms_by_garbage_or_stops_the_run_or_takes_long(kind):
    conforming = set()
    for check in CHECKS:
        began = time.monotonic()
        judgement = engine.judge(check, proofs(check, HOSTILE[kind]))
        assert time.monotonic() - began < 3, check.id
        assert len(judgement.reason.zh) <= engine.REASON + 1
        if judgement.verdict is Verdict.CONFORM:
            conforming.add(check.id)
    assert conforming == set()


@settings(max_examples=10, deadline=None)
@given(st.text(max_size=300))
def test_no_text_makes_a_judge_raise(text):
    for check in CHECKS:
        engine.judge(check, proofs(check, text))


def test_what_is_empty_where_a_program_always_speaks_is_no_answer():
    spoken = [c for c in CHECKS if any(isinstance(q, Command) and q.speaks for q in c.questions)]
    assert len(spoken) > 5
    for check in spoken:
        assert engine.judge(check, proofs(check, "")).verdict is Verdict.UNKNOWN, check.id


# Each writes for ever or far too much; none may cost more than its bounds.
FLOODS = {
    "64 MiB": "import os\nfor _ in range(1024): os.write(1, b'A' * 65536)",
    "no end": "import os\nwhile True: os.write(1, b'x\\n' * 32768)",
    "on stderr": "import os\nwhile True: os.write(2, b'\\xff' * 65536)",
    "one line of 10 MB": "print('A' * 10_000_000)",
    "a child holds the line": "import os, time\nif os.fork() == 0:\n    time.sleep(60)\nprint('done')",
    "a child of its own": "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(60)\nprint('x')",
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
def test_a_command_that_floods_or_hangs_is_cut_and_unknown(name):
    question = Command((sys.executable, "-c", FLOODS[name]), patience=1.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    proof = put(this_machine(), question, "n1")
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert proof.status is Status.UNANSWERED
    assert len(proof.answer) < LIMIT
    check = Check(
        "x", Kind.HOST, CHECKS[0].title, (), (question,), lambda _: engine.unknown("", "")
    )
    assert engine.judge(check, (proof,)).verdict is Verdict.UNKNOWN


def test_a_file_that_is_none_or_too_long_is_no_answer(tmp_path):
    pipe, big = tmp_path / "pipe", tmp_path / "big"
    LocalHost().run(["mkfifo", str(pipe)])
    big.write_bytes(b"A" * (4 * LIMIT + 1))
    for path in (pipe, big, "/dev/zero", tmp_path):
        began = time.monotonic()
        assert put(this_machine(), File(str(path)), "n1").status is Status.UNANSWERED
        assert time.monotonic() - began < 3
    assert put(this_machine(), File("/proc/sys/net/ipv4/ip_forward"), "n1").there


def test_a_machine_that_says_too_much_in_all_is_no_longer_heard():
    asks = Asker(this_machine(), "n1")
    said = "print('A' * 1_000_000, {})"
    got = [
        asks(command(sys.executable, "-c", said.format(number)))
        for number in range(ALL // 1_000_000 + 3)
    ]
    assert got[0].there
    assert got[-1].status is Status.UNANSWERED
    assert sum(len(one.answer) for one in got) <= ALL + 1000


WORST = "=cmd|' /C calc'!A0\x00\x1b[2J\x1b]0;x\x07\u202e</pre><script>alert(1)</script><img src=x onerror=alert(1)>\ud7ff\ufffe"


@pytest.fixture(scope="module")
def worst(requirements):
    """The report of a run over a machine on which every question is answered with the worst."""

    def says(question):
        return Evidence.of(question.asked, Answer(WORST, Status.ANSWERED), at=AT, where="n2")

    order = Order("示范医院", "n1", (Kind.HOST, Kind.HYPERVISOR), ("n2",))
    handed = {q.asked: says(q) for check in CHECKS for q in check.questions}
    found = run(this_machine(), requirements, order, means=Means(handed, lambda _: {"n2": says}))
    made = report.build(found)
    check_content(made)
    return made


def test_nothing_conforms_on_such_a_machine(worst):
    assert not [one["id"] for one in worst["checks"] if one["verdict"] == "conform"]
    assert not [one for one in worst["findings"] if one["verdict"] == "conform"]


def test_the_page_shows_it_and_runs_nothing(worst):
    page = report.html(worst)
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_the_workbook_holds_no_formula(worst, tmp_path):
    path = tmp_path / "r.xlsx"
    path.write_bytes(xlsx(worst))
    book = openpyxl.load_workbook(path)
    assert {"主机 n1", "主机 n2"} <= set(book.sheetnames)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}
    texts = [str(cell.value) for cell in cells if cell.value is not None]
    assert not [one for one in texts if re.match(r"\s*[=@]", one)]
    assert not [one for one in texts if "\x1b" in one or "\x00" in one]


def test_the_terminal_is_told_it_without_a_control_character(worst):
    text = told(worst)
    assert "\\x1b" in text or "�" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_the_pdf_shows_it_or_says_why_it_is_not_made(worst):
    argv = [sys.executable, "-m", "compliance.exports.process", "pdf"]
    little = json.dumps(small(worst)).encode()
    done = subprocess.run(argv, input=little, capture_output=True, check=False, timeout=120)
    assert done.stdout.startswith(b"%PDF") or (done.returncode != 0 and done.stderr)

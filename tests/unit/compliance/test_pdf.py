"""The PDF for people: Chinese in it, the digest on every page, no way out, bounded, same bytes again."""

import json
import subprocess
import sys

import pytest
from fontTools.ttLib import TTFont

from appliance.canonical import canonical, digest
from compliance.exports import FORMS, columns, process
from compliance.exports import pdf as exported
from tests.unit.compliance.small import HOSTILE, hostile, small

# What the process allows itself elsewhere, made small enough to be reached here.
_BOUND = """
import sys
from compliance.exports import process
process.MEMORY = 200 << 20
sys.exit(process.main(["pdf"]))
"""


def told(data, tmp_path, *program):
    path = tmp_path / "report.pdf"
    path.write_bytes(data)
    done = subprocess.run([*program, str(path), *(["-"] if program[0] == "pdftotext" else [])],
                          capture_output=True, check=True)  # fmt: skip
    assert not done.stderr
    return done.stdout.decode()


def made(report, form="pdf", python=("-m", "compliance.exports.process")):
    argv = [sys.executable, *python, *([form] if form else [])]
    return subprocess.run(argv, input=json.dumps(report).encode(), capture_output=True, check=False)


@pytest.fixture(scope="module")
def little(plain):
    return small(plain)


@pytest.fixture(scope="module")
def data(little):
    done = made(little)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_chinese_is_there_and_every_page_has_digest_and_number(little, data, tmp_path):
    pages = told(data, tmp_path, "pdftotext", "-layout").split("\f")[:-1]
    assert len(pages) > 3
    held = digest(canonical(little))
    for number, page in enumerate(pages, 1):
        assert held in page
        assert f"{number} / {len(pages)}" in page
        assert little["site"] in page
    whole = "".join(pages)
    for word in ("等保三级自查报告", "机器已检查的对象", "各层结果", "安全计算环境", "证据"):
        assert word in whole
    for item in little["items"]:
        assert item["id"] in whole


def test_every_font_is_embedded_as_a_subset(data, tmp_path):
    fonts = told(data, tmp_path, "pdffonts").splitlines()[2:]
    assert any("WenQuanYi-Micro-Hei" in one for one in fonts)
    for one in fonts:
        assert one.split()[-5:-2] == ["yes", "yes", "yes"], one


def test_the_font_knows_every_character_of_ours(plain):
    path = subprocess.run(["fc-match", "-f", "%{file}", exported.FONT], capture_output=True, check=True)  # fmt: skip
    known = TTFont(path.stdout.decode(), fontNumber=0).getBestCmap()
    ours = json.dumps([plain[key] for key in ("items", "layers", "laws", "risks", "score", "statements", "legend")], ensure_ascii=False)  # fmt: skip
    page = exported.page.render(exported.shortened({**plain, "evidence": {}, "checks": []}), "")
    assert {one for one in ours + page if ord(one) not in known and one not in "\n\t"} == set()


def test_another_process_gives_the_same_bytes(little, data):
    done = made(little)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == data


def test_a_hostile_report_is_set_as_text_and_fetches_nothing(plain, tmp_path):
    worst = hostile(plain)
    done = made(worst)
    assert done.returncode == 0, done.stderr.decode()
    text = told(done.stdout, tmp_path, "pdftotext")
    assert "<script>alert(1)</script>" in text
    assert "\\x1b[31m" in text
    assert "root:" not in text
    assert b"refused" not in done.stderr.lower()
    assert text.count("\f") < 120, "answers of 300,000 characters are cut"
    assert digest(canonical(worst)) in text
    assert HOSTILE not in text


def test_markup_that_would_fetch_is_refused_the_address():
    for address in ("file:///etc/passwd", "http://127.0.0.1/", "data:,x"):
        with pytest.raises(exported.FetchRefused):
            exported._nothing(address)


def test_a_process_over_its_memory_ends_without_a_file(little):
    done = made(little, form="", python=("-c", _BOUND))
    assert done.returncode != 0
    assert not done.stdout.startswith(FORMS["pdf"].begins)


def test_only_known_forms_are_made(capsys):
    assert process.main(["docx"]) == 2
    assert process.main([]) == 2
    assert "xlsx" in capsys.readouterr().err


def test_a_printed_report_is_bounded_and_says_what_was_cut(plain):
    shown = exported.shortened(hostile(plain))
    proofs = shown["evidence"].values()
    assert all(len(one["answer"]) < 1_200 and "JSON" in one["answer"] for one in proofs)
    assert all(len(one["reason"]["zh"]) <= 1_500 for one in shown["findings"])
    assert len(plain["items"]) >= len(shown["items"])


def test_columns_share_the_width_by_what_stands_in_them():
    html = (
        "<table><thead><tr><th>No</th><th>原因</th></tr></thead><tbody>\n"
        f"<tr><td>1</td><td>{'很长的一句话，' * 12}</td></tr>\n</tbody></table>"
    )  # fmt: skip
    made = columns.sized(html)
    assert made.count("<col ") == 2
    narrow, wide = columns.widths([["No", "原因"], ["1", "很长的一句话，" * 12]])
    assert narrow + wide == pytest.approx(100)
    assert wide > 3 * narrow
    long, short = columns.widths([["x", "y"], ["unbreakable_word", "b"]])
    assert long > 2 * short
    assert columns.sized("<p>no table</p>") == "<p>no table</p>"

"""The assessor's workbook: five columns, true words, inert whatever a machine answered, same bytes again."""

import io
import zipfile
from xml.etree import ElementTree as ET

import openpyxl
import pytest
from openpyxl.writer import excel as writer

from compliance.exports import XLSX, rows
from compliance.exports.xlsx import xlsx
from tests.unit.compliance.small import ANSWER, HOSTILE, WAIVER, hostile, small

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINKED = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


@pytest.fixture(scope="module")
def data(plain):
    return xlsx(plain)


@pytest.fixture(scope="module")
def worst(plain):
    return xlsx(hostile(plain))


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def test_each_layer_and_object_has_a_sheet_of_five_columns(plain, data):
    book = opened(data)
    names = book.sheetnames
    assert names[0] == "总览"
    refs = {one["subject"] for one in plain["findings"]}
    assert len(names) == 1 + len(plain["layers"]) + len(refs) + len(plain["laws"])
    assert "8.1.4 安全计算环境" in names
    assert "管理平台 box" in names
    for name in names[1:]:
        table = list(book[name].iter_rows(values_only=True))
        assert table[0] == ("序号", "控制点", "控制项", "结果记录", "符合情况")
        assert [one[0] for one in table[1:]] == list(range(1, len(table)))
        assert {one[4] for one in table[1:]} <= {"符合", "部分符合", "不符合", "不适用", "未判定"}
        assert all(one[3] for one in table[1:])


def test_a_layers_sheet_says_of_each_item_what_the_report_says(plain, data):
    [layer] = [one for one in plain["layers"] if one["id"] == "8.1.4"]
    items = [one for one in plain["items"] if one["layer"] == "8.1.4"]
    table = list(opened(data)["8.1.4 安全计算环境"].iter_rows(min_row=2, values_only=True))
    assert [one[4] for one in table] == [rows.word(one["verdict"]) for one in items]
    for item, line in zip(items, table, strict=True):
        assert item["text"]["zh"] in line[2]
        point = next(p for p in layer["points"] if item["id"].startswith(p["id"] + "."))
        assert line[1] == f"{point['id']} {point['text']['zh']}"


def test_the_record_holds_the_command_the_raw_output_and_the_reason(plain, data):
    check = next(one for one in plain["checks"] if one["items"][0].startswith("8.1.4."))
    proof = plain["evidence"][check["evidence"][0]]
    text = "\n".join(
        str(one[3]) for one in opened(data)["8.1.4 安全计算环境"].iter_rows(values_only=True)
    )
    assert check["title"]["zh"] in text
    assert check["reason"]["zh"][:40] in text
    assert proof["asked"][:60].split("\n")[0] in text
    assert proof["sha256"][:16] in text


def test_people_stand_beside_the_machine(plain):
    made = small(plain)
    made["findings"][0] |= {"item": ANSWER["item"], "subject": ANSWER["subject"]}
    made["answers"], made["waivers"] = [ANSWER], [WAIVER]
    record = "\n".join(row.record for sheet in rows.objects(made) for row in sheet.rows)
    for word in (
        "人账相符",
        "张三",
        "李四",
        "2027-11-01",
        "台账.pdf",
        "豁免：厂商停止维护",
        "只许本地登录",
    ):
        assert word in record


def test_undecided_is_never_told_as_met():
    assert rows.word("unknown") == rows.word("pending") == "未判定"
    assert rows.word("conform") == "符合"


def test_equal_reports_give_equal_bytes_without_a_clock(plain, data, monkeypatch):
    class Late:
        timezone = writer.datetime.timezone

        class datetime(writer.datetime.datetime):  # noqa: N801 - as the library calls it
            @classmethod
            def now(cls, tz=None):
                return cls(2040, 1, 1, tzinfo=tz)

    monkeypatch.setattr(writer, "datetime", Late)
    assert xlsx(plain) == data


def test_a_hostile_report_opens_and_nothing_in_it_is_a_formula(worst):
    book = opened(worst)
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n", "inlineStr"}
    texts = [
        cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str)
    ]
    assert not [one for one in texts if one.lstrip()[:1] in ("=", "+", "-", "@")]
    assert any("cmd|" in one for one in texts)
    assert all(len(one.encode("utf-16-le")) // 2 <= 32_767 for one in texts)
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_what_looks_like_an_error_or_a_number_stays_text(plain):
    for text in ("#N/A", "#REF!", "1e5", "TRUE", "2026-11-22"):
        cells = {
            c.value: c for row in opened(xlsx({**small(plain), "site": text}))["总览"] for c in row
        }
        assert cells[text].data_type == "s"


def test_a_second_reader_finds_plain_xml_and_no_way_out(worst):
    """Read as the standard says, without the library that wrote it."""
    with zipfile.ZipFile(io.BytesIO(worst)) as held:
        assert held.testzip() is None
        assert {one.date_time for one in held.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        trees = {name: ET.fromstring(held.read(name)) for name in held.namelist()}  # noqa: S314 - our own
    assert not [name for name in trees if "vba" in name.lower() or "external" in name.lower()]
    for name, tree in trees.items():
        assert not [one for one in tree.iter(LINKED) if one.get("TargetMode") == "External"], name
        if name.startswith("xl/worksheets/"):
            assert not list(tree.iter(f"{MAIN}f"))
            assert not list(tree.iter(f"{MAIN}hyperlink"))
            assert {cell.get("t", "n") for cell in tree.iter(f"{MAIN}c")} <= {"s", "n", "inlineStr"}


def test_what_was_made_is_what_its_form_says(data):
    assert data.startswith(XLSX.begins)
    assert HOSTILE not in "".join(opened(data).sheetnames)

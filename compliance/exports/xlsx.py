"""The assessor's workbook: an overview, then a sheet per layer, object and law in the five columns.

Every cell of text is a string and nothing else; equal reports give equal bytes.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openpyxl import Workbook

from appliance.canonical import canonical, digest
from appliance.clock import beijing
from compliance.exports import rows
from compliance.exports.harmless import names
from compliance.exports.sheet import Cells, Sheet
from compliance.model import WORST_FIRST

Part = Mapping[str, Any]

_WIDTHS = (6, 22, 44, 92, 12)  # of the five columns, in characters
_SUMMARY_WIDTHS = (34, 96, 9, 9, 9, 9, 9)
_OVERVIEW = "总览"
_STILL = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say: no file of the workbook has a time
_WRITTEN = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")


def xlsx(report: Part) -> bytes:
    """Return the workbook of `report` as the bytes of an .xlsx file."""
    sheets = [*rows.layers(report), *rows.objects(report), *rows.laws(report)]
    title, *others = names([_OVERVIEW, *(one.title for one in sheets)])
    named = dict(zip(others, sheets, strict=True))
    book = Workbook(write_only=True)
    _overview(book, title, report, named)
    for name, sheet in named.items():
        _five(book, name, sheet)
    made = io.BytesIO()
    book.save(made)
    return _without_time(made.getvalue(), report["started"])


def _five(book: Any, name: str, sheet: rows.Sheet) -> None:
    made = Sheet(book, name, _WIDTHS)
    made.raw.freeze_panes = "A2"
    made.raw.print_title_rows = "1:1"
    made.add(rows.COLUMNS, heads=5)
    for row in sheet.rows:
        made.add((row.number, row.point, row.item, row.record, row.verdict))
    made.raw.auto_filter.ref = f"A1:E{len(sheet.rows) + 1}"


def _overview(book: Any, name: str, report: Part, sheets: Mapping[str, rows.Sheet]) -> None:
    made = Sheet(book, name, _SUMMARY_WIDTHS)
    for line, heads in _lines(report, sheets):
        made.add(line, heads)


def _lines(report: Part, sheets: Mapping[str, rows.Sheet]) -> Iterator[tuple[Cells, int]]:
    """Give the overview's lines, and how many cells of each are heads."""
    yield from ((line, 1) for line in _facts(report))
    yield (), 0
    parts = (("说明 Notes", _notes), ("计分 Score", _score), ("未关闭的风险 Open risks", _risks))
    for title, told in parts:
        yield from ((("" if at else title, line), 1) for at, line in enumerate(told(report)))
        yield (), 0
    words = (*rows.DECIDED.values(), rows.OPEN)
    yield ("工作表 Sheet", "内容 Of", *words), 2 + len(words)
    for name, sheet in sheets.items():
        counts = [sum(row.verdict == one for row in sheet.rows) for one in words]
        yield (name, f"{sheet.title} {sheet.about}".strip(), *counts), 0


def _facts(report: Part) -> list[Cells]:
    return [
        ("等保三级自查记录", "Level-3 self-inspection: records"),
        ("医院 Hospital", report["site"]),
        ("节点 Node", report["node"]),
        ("开始 Started", beijing(report["started"])),
        ("依据 Catalogue", report["catalogue"]["standard"]),
        ("报告摘要 Report SHA-256", digest(canonical(report))),
        ("工具 Tool", f"{report['tool']['name']} {report['tool']['version']}"),
    ]


def _notes(report: Part) -> Iterable[str]:
    yield "各表五列 Columns: 序号 No. · 控制点 Control point · 控制项 Item · 结果记录 Record · 符合情况 Verdict"
    open_words = "、".join(report["legend"][v]["zh"] for v in WORST_FIRST if v not in rows.DECIDED)
    yield f"“{rows.OPEN}”含{open_words}，不算符合。Undecided, never counted as met."
    for note in report["statements"]:
        yield f"{note['zh']} {note['en']}"


def _score(report: Part) -> Iterable[str]:
    """Give the sum of each rule set that the report was counted by."""
    for one in report.get("rulesets") or [report["score"]]:
        name = one.get("ruleset") or f"{one['name']} v{one['version']}"
        yield f"{name}：{one['conclusion']['zh']} {one['conclusion']['en']}"
        yield one["sum"]
        if "status" in one:
            yield f"{one['status']['zh']} {one['status']['en']}"


def _risks(report: Part) -> Iterable[str]:
    """Give each high-risk case and trigger that is open, most serious first."""
    for one in report.get("risks", ()):
        if one["state"] == "open":
            yield f"{one['id']} {one['text']['zh']}：{one['why']['zh']}"


def _without_time(data: bytes, started: str) -> bytes:
    """Return the same workbook with the run's time in place of the clock's."""
    stamp = re.sub(r"\.\d+", "", started.replace("+00:00", "Z")).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            held = old.read(name)
            if name == "docProps/core.xml":
                held = _WRITTEN.sub(rb"\g<1>" + stamp + rb"\g<2>", held)
            entry = zipfile.ZipInfo(name, _STILL)
            new.writestr(entry, held, compress_type=zipfile.ZIP_DEFLATED, compresslevel=6)
    return made.getvalue()

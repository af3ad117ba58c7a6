"""One sheet of the workbook: columns of fixed width, rows as high as their texts, cells that are text."""

from collections.abc import Sequence
from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

from compliance.exports.columns import span
from compliance.exports.harmless import stored
from compliance.exports.rows import OPEN

Cells = Sequence[str | int]

_THIN = Side(style="thin", color="BFC9CF")
_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_HEAD = PatternFill("solid", fgColor="EAF0F4")
_WRAP = Alignment(wrap_text=True, vertical="top")
_INKS = {"不符合": "A93226", "部分符合": "9A6206", "符合": "196F3D", OPEN: "566573"}
_LINE, _HIGHEST = 17.0, 409.0  # points: of a line, and of the highest row that Excel knows


class Sheet:
    """A sheet that is filled row by row and printed across A4, as wide as the paper."""

    def __init__(self, book: Any, name: str, widths: Sequence[int]) -> None:
        self.raw = book.create_sheet(name)
        self.raw.page_setup.orientation, self.raw.page_setup.paperSize = "landscape", 9
        self.raw.page_setup.fitToHeight = 0
        self.raw.sheet_properties.pageSetUpPr.fitToPage = True
        for letter, width in zip("ABCDEFG", widths, strict=False):
            self.raw.column_dimensions[letter].width = width
        self._widths = widths
        self._rows = 0

    def add(self, values: Cells, heads: int = 0) -> None:
        """Append a row whose first `heads` cells are heads; no program need guess how high it is."""
        self._rows += 1
        lines = (_lines(value, width) for value, width in zip(values, self._widths, strict=False))
        height = _LINE * max(lines, default=1) + 2
        self.raw.row_dimensions[self._rows].height = min(height, _HIGHEST)
        self.raw.append([self._cell(one, head=n < heads) for n, one in enumerate(values)])

    def _cell(self, value: str | int, *, head: bool) -> Any:
        made = WriteOnlyCell(self.raw, value if isinstance(value, int) else stored(value))
        if isinstance(value, str):
            made.data_type = "s"  # openpyxl takes text that begins with "=" for a formula
        made.border, made.alignment = _BORDER, _WRAP
        if head:
            made.fill, made.font = _HEAD, Font(bold=True)
        elif value in _INKS:
            made.font = Font(bold=True, color=_INKS[str(value)])
        return made


def _lines(value: str | int, width: int) -> int:
    """Return in how many lines a cell's text stands."""
    return sum(max(1, -(-int(span(line)) // width)) for line in str(value).split("\n"))

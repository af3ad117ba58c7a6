"""How wide a printed table's columns are, from what stands in them: laid out in one pass, and never cut."""

import re
from collections.abc import Sequence

_TABLE = re.compile(r"<table>(<thead>.*?</tbody>)</table>", re.DOTALL)
_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"[\s\u2e80-\uffef·；，]+|<[^>]*>")

_LEAST, _WORD, _MOST, _EDGES = 4.0, 16.0, 70.0, 2.0  # halves of a Chinese character
_FAIR = 0.75  # how much a column's text counts for its width: all of it would starve the short ones


def sized(html: str) -> str:
    """Return the page with the widths of its tables' columns written into them."""
    return _TABLE.sub(lambda found: _written(found[1]), html)


def _written(inner: str) -> str:
    rows = [_CELL.findall(row) for row in _ROW.findall(inner)]
    shares = widths([row for row in rows if len(row) == len(rows[0])])
    columns = "".join(f'<col style="width:{share:.1f}%">' for share in shares)
    return f"<table><colgroup>{columns}</colgroup>{inner}</table>"


def widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """Return each column's share in per cent; `rows` are cells of HTML, the first the heads."""
    needs = []
    for column in zip(*rows, strict=True):
        texts = [span(_TAG.sub("", cell)) for cell in column]
        mean = sum(texts) / len(texts)
        needs.append(max(min(mean, _MOST) ** _FAIR, _longest(column), _LEAST) + _EDGES)
    return [100 * need / sum(needs) for need in needs]


def _longest(column: Sequence[str]) -> float:
    """Return the longest word that should not be broken, within reason."""
    words = (word for cell in column for word in _BREAK.split(cell))
    return min(max(map(span, words), default=0.0), _WORD)


def span(text: str) -> float:
    """Return about how wide a text is: a Chinese character is 2, a Latin letter 1."""
    return sum(2.0 if one > "\u2e7f" else 1.0 for one in text)

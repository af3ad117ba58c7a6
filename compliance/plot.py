"""Verdicts as one inline SVG: a bar per layer or object, divided by verdict, each with its own marks.

Colour is never the only sign: each verdict has marks that stay apart in print and for eyes that see no
red or green, and each part that has room carries its short word and count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from compliance.plot_marks import Box, Colours, filled

Legend = Mapping[str, Mapping[str, str]]

INK, QUIET = "#1c2833", "#566573"
_ROW, _LEFT, _WIDTH, _TOP = 30, 250, 900, 46

_WORDS = {
    "violated": "不符", "partial": "部分", "unknown": "未知", "pending": "待人工", "conform": "符合",
    "not_applicable": "不适用",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One bar: its name in both languages and how many findings have which verdict."""

    zh: str
    en: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """All that the bar counts."""
        return sum(self.counts.values())


def plot(layers: Sequence[Mapping[str, Any]], legend: Legend, colours: Colours) -> str:
    """Return the layers' items by verdict."""
    bars = [Bar(f"{one['id']} {one['text']['zh']}", one["text"]["en"], one["counts"]) for one in layers]  # fmt: skip
    return stacked(bars, legend, colours, "各层条款结果 Items per layer")


def plot_objects(objects: Sequence[Mapping[str, Any]], legend: Legend, colours: Colours) -> str:
    """Return the objects' findings by verdict, from `summary.judged.objects` of a report."""
    bars = [Bar(f"{one['title']['zh']} {one['ref']}", one["title"]["en"], one["findings"]) for one in objects]  # fmt: skip
    return stacked(bars, legend, colours, "各对象结果 Findings per object")


def stacked(bars: Sequence[Bar], legend: Legend, colours: Colours, title: str) -> str:
    """Return the SVG; each bar is as long as its own sum (100 %), an empty one says so."""
    height = _TOP + _ROW * len(bars) + 6
    keys = "".join(key(_LEFT + at * 150, v, legend[v], colours) for at, v in enumerate(colours))
    rows = "".join(_bar(bar, _TOP + _ROW * at, colours) for at, bar in enumerate(bars))
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDTH} {height}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="13" font-family="sans-serif">'
        f"{keys}{rows}</svg>"
    )


def _bar(bar: Bar, y: int, colours: Colours) -> str:
    name = f"{bar.zh}（{bar.total}）"
    head = f'<text x="0" y="{y + 17}" fill="{INK}">{escape(_fitting(name))}</text>'
    parts = [f"<g><title>{escape(f'{name} {bar.en}')}</title>{head}</g>"]
    if not bar.total:
        parts.append(f'<text x="{_LEFT}" y="{y + 17}" fill="{QUIET}">无 none</text>')
    x = float(_LEFT)
    for verdict in colours:
        count = bar.counts.get(verdict, 0)
        if count:
            wide = _WIDTH * count / bar.total
            held = filled(verdict, Box(x, y, wide - 1, 24), colours)
            parts.append(_part(held, f"{_WORDS.get(verdict, '')} {count}", x, y, wide))
            x += wide
    return "".join(parts)


def _part(held: str, full: str, x: float, y: int, wide: float) -> str:
    """Return one part of a bar with what there is room for: word and count, count, or nothing."""
    count = full.rpartition(" ")[2]
    said = full if wide > _span(full) + 16 else count if wide > _span(count) + 12 else ""
    label = (
        f'<rect x="{x + 3:.1f}" y="{y + 4}" width="{_span(said) + 8:.1f}" height="16" rx="3" fill="#fff"/>'
        f'<text x="{x + 7:.1f}" y="{y + 17}" fill="{INK}">{said}</text>'
        if said
        else ""
    )
    return f"<g><title>{escape(full)}</title>{held}{label}</g>"


def _span(text: str) -> float:
    """Return about how wide a text is at 13 units: a Chinese character is as wide as high."""
    return sum(13.0 if ord(one) > 0x2E80 else 7.6 for one in text)


def _fitting(name: str) -> str:
    if _span(name) <= _LEFT - 8:
        return name
    while _span(name) > _LEFT - 21:
        name = name[:-1]
    return name + "…"


def key(x: int, verdict: str, words: Mapping[str, str], colours: Colours) -> str:
    """Return a legend's entry at `x`: the verdict's filling and its words in both languages."""
    return (
        f"{filled(verdict, Box(x, 6, 14, 14), colours)}"
        f'<text x="{x + 19}" y="18" fill="{INK}">{escape(words["zh"])}</text>'
        f'<text x="{x + 19}" y="33" fill="{QUIET}" font-size="11">{escape(words["en"])}</text>'
    )

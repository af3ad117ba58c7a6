"""Runs over time as one inline SVG: verdicts stacked per run, and the band in which the rate lies.

The band's lower line counts the undecided as not met, the upper one as met: they meet where all is decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from compliance.plot import INK, QUIET, Legend, key
from compliance.plot_marks import Box, Colours, filled

_LEFT, _WIDTH, _TOP, _HEIGHT, _FOOT = 48, 1000, 46, 200, 40
_MOST = 60  # runs shown: more would be narrower than can be seen


@dataclass(frozen=True)
class Point:
    """One run: its day (11 characters at most are drawn), findings or items by verdict, and the rate's band in per cent (None: not known)."""

    day: str
    counts: Mapping[str, int]
    low: float | None = None
    high: float | None = None


def trend(points: Sequence[Point], legend: Legend, colours: Colours, title: str = "") -> str:
    """Return the SVG of the newest runs, oldest first; an empty text where there is no run."""
    shown = list(points)[-_MOST:]
    if not shown:
        return ""
    step = _WIDTH / len(shown)
    most = max(1, *(sum(one.counts.values()) for one in shown))
    columns = "".join(_column(at, one, step, most, colours) for at, one in enumerate(shown))
    keys = "".join(key(_LEFT + at * 165, v, legend[v], colours) for at, v in enumerate(colours))
    told = escape(title or "历次检查 Runs over time")
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDTH + 44} {_TOP + _HEIGHT + _FOOT}" role="img" aria-label="{told}" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="12" font-family="sans-serif">'
        f"{keys}{_scale(most)}{columns}{_band(shown, step)}{_days(shown, step)}</svg>"
    )


def _column(at: int, one: Point, step: float, most: int, colours: Colours) -> str:
    """Stack a run's verdicts, the worst on the ground."""
    wide = min(step * 0.7, 46)
    x, y = _middle(at, step) - wide / 2, float(_TOP + _HEIGHT)
    parts = []
    for verdict in colours:
        count = one.counts.get(verdict, 0)
        if not count:
            continue
        high = _HEIGHT * count / most
        y -= high
        told = escape(f"{one.day} {verdict}: {count}")
        held = filled(verdict, Box(x, y, wide, high), colours)
        parts.append(f"<g><title>{told}</title>{held}</g>")
    return "".join(parts)


def _band(shown: Sequence[Point], step: float) -> str:
    """Draw the band between the rate's two lines, broken where a run had no rate."""
    parts = []
    for piece in _pieces(shown):
        low = [(_middle(at, step), _percent(one.low)) for at, one in piece]
        high = [(_middle(at, step), _percent(one.high)) for at, one in piece]
        parts += [_line(low, "6 3"), _line(high, "")]
    return "".join(parts)


def _pieces(shown: Sequence[Point]) -> list[list[tuple[int, Point]]]:
    pieces: list[list[tuple[int, Point]]] = [[]]
    for at, one in enumerate(shown):
        if one.low is None or one.high is None:
            pieces.append([])
        else:
            pieces[-1].append((at, one))
    return [piece for piece in pieces if piece]


def _line(points: Sequence[tuple[float, float]], dashes: str) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#fff" stroke="{INK}" stroke-width="1.5"/>' for x, y in points)  # fmt: skip
    halo = f'<polyline points="{joined}" fill="none" stroke="#fff" stroke-width="5" stroke-opacity=".8"/>'
    return f'{halo}<polyline points="{joined}" fill="none" stroke="{INK}" stroke-width="2"{style}/>{dots}'


def _percent(value: float | None) -> float:
    return _TOP + _HEIGHT * (1 - min(max(value or 0.0, 0.0), 100.0) / 100)


def _scale(most: int) -> str:
    """Number both sides: counts on the left, per cent on the right."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _TOP + _HEIGHT * (1 - share)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d5dbdf"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{QUIET}">{most * share:.0f}</text>'
            f'<text x="{_LEFT + _WIDTH + 6}" y="{y + 4:.1f}" fill="{QUIET}">{share * 100:.0f} %</text>'
        )
    return "".join(parts)


def _days(shown: Sequence[Point], step: float) -> str:
    """Write some of the days below, so that none touches the next."""
    every = max(1, -(-len(shown) // 12))
    y = _TOP + _HEIGHT + 16
    days = "".join(
        f'<text x="{_middle(at, step):.1f}" y="{y}" text-anchor="middle" fill="{QUIET}">{escape(one.day[:11])}</text>'
        for at, one in enumerate(shown)
        if at % every == 0
    )
    told = "实线：未判定按符合计的符合率；虚线：按不符合计 Solid: rate if the undecided are met; dashed: if not"
    return f'{days}<text x="{_LEFT}" y="{y + 18}" fill="{QUIET}">{told}</text>'


def _middle(at: int, step: float) -> float:
    return _LEFT + step * (at + 0.5)

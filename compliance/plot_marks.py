"""What lies over a verdict's colour in a plot: lines and dots that stay apart in grey and for every eye.

Drawn as plain paths and not as SVG patterns, which programs that print draw with seams.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Colours = Mapping[str, str]


@dataclass(frozen=True)
class Box:
    """A rectangle in units of the plot."""

    x: float
    y: float
    wide: float
    high: float


def filled(verdict: str, box: Box, colours: Colours) -> str:
    """Return the rectangle in the verdict's colour with its marks over it."""
    rect = (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.wide:.1f}" height="{box.high:.1f}" '
        f'fill="{colours[verdict]}"/>'
    )
    drawn = "".join(_strokes(verdict, box))
    if not drawn:
        return rect
    ink, thick = _INKS[verdict]
    return f'{rect}<path d="{drawn}" fill="none" stroke="{ink}" stroke-width="{thick}"/>'


_INKS = {
    "partial": ("#fdebd0", "1.4"),
    "unknown": ("#fff", "1.8"),
    "pending": ("#c3ccd3", "1"),
    "conform": ("#52a377", "1"),
    "not_applicable": ("#9aa5ad", ".8"),
}
"""Colour and width of the marks; what is violated stays a plain dark area."""


def _strokes(verdict: str, box: Box) -> Iterator[str]:
    if verdict == "partial":
        yield from _rising(box)
    elif verdict == "not_applicable":
        yield from _falling(box)
    elif verdict == "unknown":
        yield from _dots(box)
    elif verdict == "pending":
        yield from (f"M{box.x:.1f} {y:.1f}h{box.wide:.1f}" for y in _steps(box.y, box.high, 5))
    elif verdict == "conform":
        yield from (f"M{x:.1f} {box.y:.1f}v{box.high:.1f}" for x in _steps(box.x, box.wide, 7))


def _rising(box: Box) -> Iterator[str]:
    """Draw lines like /, cut at the rectangle's sides."""
    for foot in _steps(box.x - box.high, box.wide + box.high, 7):
        left, right = max(foot, box.x), min(foot + box.high, box.x + box.wide)
        if right - left > 0.5:
            low = box.y + box.high - (left - foot)
            yield f"M{left:.1f} {low:.1f}l{right - left:.1f} {left - right:.1f}"


def _falling(box: Box) -> Iterator[str]:
    """Draw lines like a backslash, cut at the rectangle's sides."""
    for top in _steps(box.x - box.high, box.wide + box.high, 7):
        left, right = max(top, box.x), min(top + box.high, box.x + box.wide)
        if right - left > 0.5:
            yield f"M{left:.1f} {box.y + left - top:.1f}l{right - left:.1f} {right - left:.1f}"


def _dots(box: Box) -> Iterator[str]:
    for row, y in enumerate(_steps(box.y, box.high, 6)):
        for x in _steps(box.x + 3.0 * (row % 2), box.wide - 3.0 * (row % 2), 7):
            yield f"M{x:.1f} {y:.1f}h1.8"


def _steps(start: float, length: float, step: float) -> Iterator[float]:
    """Give the places inside a length, half a step from its start."""
    count = int((length - step / 2) / step) + 1 if length > step / 2 else 0
    return (start + step / 2 + step * n for n in range(count))

"""One bar per layer of the standard: how many of its items have which verdict, worst first."""

from collections.abc import Mapping

from markupsafe import Markup

from controller.web.words import STATES

_WIDTH = 600
_HEIGHT = 20
_VERDICTS = tuple(STATES["verdict"])


def bar(counts: Mapping[str, int]) -> Markup:
    """Return a bar divided by verdict; every part carries its words and count as a title."""
    total = sum(counts.values())
    x = 0.0
    parts = []
    for verdict in _VERDICTS:
        number = counts.get(verdict, 0)
        if not number:
            continue
        width = _WIDTH * number / total
        words = STATES["verdict"][verdict].text
        parts.append(
            f'<rect class="{verdict}" x="{x:.1f}" y="0" width="{max(width - 1.5, 1):.1f}" height="{_HEIGHT}">'
            f"<title>{words.zh} {words.en}: {number}</title></rect>"
        )
        x += width
    label = ", ".join(
        f"{STATES['verdict'][v].text.zh} {counts[v]}" for v in _VERDICTS if counts.get(v)
    )
    return Markup(  # noqa: S704 - made of our own words and of numbers only
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        + "".join(parts)
        + "</svg>"
    )


def swatch(verdict: str) -> Markup:
    """Return the small square that explains a bar's colour in the legend."""
    square = Markup(
        '<svg viewBox="0 0 13 13" aria-hidden="true"><rect class="{}" width="13" height="13"/></svg>'
    )
    return square.format(verdict)

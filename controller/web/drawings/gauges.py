"""How full something is, as one bar: what is used, and the mark above which nothing is made."""

from markupsafe import Markup

_WIDTH, _HEIGHT = 600, 16


def gauge(part: float, tone: str = "ok", ceiling: float | None = None) -> Markup:
    """Return a bar filled to `part` (0.0 to 1.0) with a mark at `ceiling`; numbers stand beside it as text."""
    filled = _WIDTH * min(max(part, 0.0), 1.0)
    mark = ""
    if ceiling is not None:
        x = _WIDTH * min(max(ceiling, 0.0), 1.0)
        mark = f'<line class="mark" x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{_HEIGHT}"/>'
    body = Markup(  # noqa: S704 - made of numbers only
        f'<rect class="rest" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f'<rect class="{{tone}}" width="{filled:.1f}" height="{_HEIGHT}"/>{mark}'
    ).format(tone=tone)
    return Markup(
        '<svg class="gauge" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{} %">{}</svg>'
    ).format(_WIDTH, _HEIGHT, round(part * 100), body)

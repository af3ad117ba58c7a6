"""The daily report's two plots as SVG text: columns and lines over 24 hours; an unknown hour stays empty."""

from collections.abc import Mapping, Sequence

Values = Sequence[float | None]
Series = Mapping[str, tuple[Values, str]]
"""Label to figures and colour."""

_LEFT, _TOP, _WIDTH, _HEIGHT, _FOOT = 48, 30, 960, 150, 22
_STEPS = 24


def columns(series: Series, title: str) -> str:
    """Return stacked columns, one per hour."""
    stacks = [sum(values[n] or 0 for values, _ in series.values()) for n in range(_STEPS)]
    top = _nice(max(stacks, default=0))
    parts = []
    for n in range(_STEPS):
        at = float(_TOP + _HEIGHT)
        for label, (values, colour) in series.items():
            value = values[n]
            if value:
                high = _HEIGHT * value / top
                at -= high
                parts.append(
                    f'<rect x="{_x(n) + 4:.1f}" y="{at:.1f}" width="{_step() - 8:.1f}" height="{high:.1f}" '
                    f'fill="{colour}"><title>{n:02d} 时 {label}: {value:.0f}</title></rect>'
                )
    unknown = [n for n in range(_STEPS) if all(values[n] is None for values, _ in series.values())]
    return _frame(parts + [_gap(n) for n in unknown], series, title, top)


def lines(series: Series, title: str) -> str:
    """Return one line per series, broken where nothing is known."""
    top = _nice(
        max((v for values, _ in series.values() for v in values if v is not None), default=0)
    )
    parts = []
    for values, colour in series.values():
        for piece in _pieces(values):
            points = " ".join(
                f"{_x(n) + _step() / 2:.1f},{_TOP + _HEIGHT * (1 - high / top):.1f}"
                for n, high in piece
            )
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
            parts += [
                f'<circle cx="{xy.split(",")[0]}" cy="{xy.split(",")[1]}" r="2.5" fill="{colour}"/>'
                for xy in points.split(" ")
            ]
    return _frame(parts, series, title, top)


def _pieces(values: Values) -> list[list[tuple[int, float]]]:
    """Split a line at its gaps."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((n, value))
    return [piece for piece in pieces if piece]


def _nice(high: float) -> float:
    """Return a round number not below `high`."""
    size = 1.0
    while size < high:
        for factor in (2, 5, 10):
            if size * factor >= high:
                return size * factor
        size *= 10
    return max(size, 1.0)


def _step() -> float:
    return _WIDTH / _STEPS


def _x(hour: int) -> float:
    return _LEFT + hour * _step()


def _gap(hour: int) -> str:
    return (
        f'<rect x="{_x(hour):.1f}" y="{_TOP}" width="{_step():.1f}" height="{_HEIGHT}" fill="#edf0f2">'
        f"<title>{hour:02d} 时：未知 unknown</title></rect>"
    )


def _frame(parts: Sequence[str], series: Series, title: str, top: float) -> str:
    base = _TOP + _HEIGHT
    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{base - _HEIGHT * part}" y2="{base - _HEIGHT * part}" stroke="#dbe1e4"/>'
        f'<text x="{_LEFT - 6}" y="{base - _HEIGHT * part + 4}" text-anchor="end" fill="#53626b">{top * part:g}</text>'
        for part in (0, 0.5, 1)
    )
    hours = "".join(
        f'<text x="{_x(n):.1f}" y="{base + 16}" fill="#53626b">{n:02d}:00</text>'
        for n in range(0, 24, 3)
    )
    keys = "".join(
        f'<rect x="{_LEFT + 300 + at * 190}" y="8" width="12" height="12" fill="{colour}"/>'
        f'<text x="{_LEFT + 318 + at * 190}" y="18" fill="#18242b">{label}</text>'
        for at, (label, (_, colour)) in enumerate(series.items())
    )
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDTH + 8} {base + _FOOT}" role="img" aria-label="{title}" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="12" font-family="sans-serif">'
        f'<text x="0" y="18" font-weight="600" fill="#18242b">{title}</text>{keys}{grid}{hours}{"".join(parts)}</svg>'
    )

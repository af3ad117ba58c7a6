"""The layers' results as one inline SVG: a bar for each layer, its items by verdict."""

from html import escape
from typing import Any

_ROW, _LEFT, _WIDTH = 30, 250, 900


def plot(
    layers: list[dict[str, Any]], legend: dict[str, dict[str, str]], colours: dict[str, str]
) -> str:
    """Return the SVG; each bar is as long as the layer's share of items in its own right (100 %)."""
    top = 46
    bars = "".join(_bar(layer, top + _ROW * at, colours) for at, layer in enumerate(layers))
    height = top + _ROW * len(layers) + 6
    keys = "".join(_key(at, verdict, legend, colours) for at, verdict in enumerate(colours))
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDTH} {height}" role="img" aria-label="各层条款结果 Items per layer" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="13" font-family="sans-serif">{keys}{bars}</svg>'
    )


def _bar(layer: dict[str, Any], y: int, colours: dict[str, str]) -> str:
    total = sum(layer["counts"].values())
    name = escape(f"{layer['id']} {layer['text']['zh']}（{total}）")
    parts = [f'<text x="0" y="{y + 17}" fill="#1c2833">{name}</text>']
    x = float(_LEFT)
    for verdict, colour in colours.items():
        count = layer["counts"][verdict]
        wide = _WIDTH * count / total
        if count:
            ink = "#1c2833" if verdict == "not_applicable" else "#ffffff"
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="24" fill="{colour}"/>'
            )
            parts.append(f'<text x="{x + 5:.1f}" y="{y + 17}" fill="{ink}">{count}</text>')
        x += wide
    return "".join(parts)


def _key(at: int, verdict: str, legend: dict[str, dict[str, str]], colours: dict[str, str]) -> str:
    x = _LEFT + at * 150
    zh, en = escape(legend[verdict]["zh"]), escape(legend[verdict]["en"])
    return (
        f'<rect x="{x}" y="6" width="14" height="14" fill="{colours[verdict]}"/>'
        f'<text x="{x + 19}" y="18" fill="#1c2833">{zh}</text>'
        f'<text x="{x + 19}" y="33" fill="#566573" font-size="11">{en}</text>'
    )

"""The plots: numbers as in the report, signs beside the colours, well-formed, inert."""

import re
from xml.etree import ElementTree as ET

import pytest

from compliance import plot, plot_trend
from compliance.model import VERDICT_TEXT, WORST_FIRST
from compliance.plot_marks import Box, filled
from compliance.plot_trend import Point, trend
from compliance.style import COLOURS

SVG = "{http://www.w3.org/2000/svg}"
LEGEND = {str(verdict): text.as_dict() for verdict, text in VERDICT_TEXT.items()}
COUNTS = {"violated": 30, "partial": 20, "unknown": 10, "pending": 25, "conform": 40, "not_applicable": 5}  # fmt: skip


def read(svg):
    return ET.fromstring(svg)  # noqa: S314 - our own


def titles(tree):
    return [one.text for one in tree.iter(f"{SVG}title")]


def test_every_layer_and_object_of_a_report_has_its_bar(plain):
    tree = read(plot.plot(plain["layers"], plain["legend"], COLOURS))
    words = " ".join("".join(one.itertext()) for one in tree.iter(f"{SVG}text"))
    for layer in plain["layers"]:
        assert f"{layer['id']} {layer['text']['zh']}（{sum(layer['counts'].values())}）" in words
    objects = plain["summary"]["judged"]["objects"]
    told = titles(read(plot.plot_objects(objects, plain["legend"], COLOURS)))
    for one in objects:
        assert any(one["ref"] in title and one["title"]["en"] in title for title in told)
        for verdict, count in one["findings"].items():
            if count:
                assert any(title.endswith(f" {count}") for title in told), verdict


def test_parts_of_a_bar_are_as_wide_as_their_counts():
    svg = plot.stacked([plot.Bar("甲", "a", COUNTS)], LEGEND, COLOURS, "t")
    drawn = [float(one.get("width")) + 1 for one in read(svg).iter(f"{SVG}rect") if one.get("height") == "24.0"]  # fmt: skip
    whole = sum(COUNTS.values())
    assert drawn == pytest.approx([900 * COUNTS[v] / whole for v in WORST_FIRST], abs=0.2)


def test_verdicts_stay_apart_without_any_colour():
    box = Box(0, 0, 60, 24)
    bare = {v: re.sub(r"#[0-9a-f]+", "", filled(v, box, COLOURS)) for v in COLOURS}
    assert len(set(bare.values())) == len(WORST_FIRST)
    for verdict in COLOURS:
        read(f'<svg xmlns="http://www.w3.org/2000/svg">{filled(verdict, box, COLOURS)}</svg>')


def test_marks_stay_inside_their_rectangle():
    box = Box(100, 50, 33, 24)
    for verdict in COLOURS:
        for x, y, dx, dy in re.findall(
            r"M([\d.-]+) ([\d.-]+)l([\d.-]+) ([\d.-]+)", filled(verdict, box, COLOURS)
        ):
            ends = [(float(x), float(y)), (float(x) + float(dx), float(y) + float(dy))]
            assert all(99.8 <= a <= 133.2 and 49.8 <= b <= 74.2 for a, b in ends), verdict


def test_a_name_from_outside_is_text_and_fits():
    svg = plot.stacked([plot.Bar("<script>" * 30, '"><b>', {**COUNTS})], LEGEND, COLOURS, '"<t>')
    assert "<script>" not in svg
    assert max(len("".join(t.itertext())) for t in read(svg).iter(f"{SVG}text")) < 60


def test_an_empty_bar_says_so():
    assert "无 none" in plot.stacked([plot.Bar("空", "e", {})], LEGEND, COLOURS, "t")


def test_a_trend_stacks_each_run_and_breaks_where_the_rate_is_not_known():
    points = [Point(f"2026-11-{d:02d}", COUNTS, None if d == 3 else 20.0 + d, 80.0) for d in range(1, 7)]  # fmt: skip
    tree = read(trend(points, LEGEND, COLOURS))
    told = titles(tree)
    assert len(told) == 6 * len(COUNTS)
    assert "2026-11-04 conform: 40" in told
    lines = [one for one in tree.iter(f"{SVG}polyline") if one.get("stroke") != "#fff"]
    assert len(lines) == 4, "two lines, broken once"
    assert len(list(tree.iter(f"{SVG}circle"))) == 10


def test_higher_rates_stand_higher_and_runs_are_bounded():
    def dots(points):
        return [float(c.get("cy")) for c in read(trend(points, LEGEND, COLOURS)).iter(f"{SVG}circle")]  # fmt: skip

    low, high = dots([Point("2026-11-01", COUNTS, 0.0, 100.0)])
    assert low - high == 200
    many = trend([Point(f"d{n}", COUNTS, 1, 2) for n in range(500)], LEGEND, COLOURS)
    assert len(many) < 400_000
    assert "d499" in many
    assert "d400" not in many
    assert trend([], LEGEND, COLOURS) == ""
    assert plot_trend.trend([Point("d", {}, 1, 2)], LEGEND, COLOURS)

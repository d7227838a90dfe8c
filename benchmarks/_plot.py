"""Drawings of what was measured: specifications of Vega-Lite, written as SVG by ``vl-convert-python`` (``isthmus[bench]``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["bars", "lines", "write"]

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
VERSION: Final = "5.20"
WIDTH: Final = 480


def bars(values: Sequence[tuple[str, float]], title: str, unit: str = "µs") -> dict[str, Any]:
    """A bar for each, in their order; logarithmic, for they lie far apart.

    Args:
        values: a label and a number above 0 of each.
        title: above it.
        unit: of the numbers.
    """
    encoding = {
        "y": {"field": "case", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 240}},
        "x": {"field": "value", "type": "quantitative", "scale": {"type": "log"}, "title": unit},
    }
    return {
        **_document(title, [{"case": case, "value": value} for case, value in values]),
        "encoding": encoding,
        "layer": [
            # A logarithmic scale has no zero to begin a bar at.
            {"mark": {"type": "point", "filled": True, "size": 80, "opacity": 1}},
            {
                "mark": {"type": "rule", "strokeWidth": 2, "color": "#4c78a8"},
                "encoding": {"x2": {"value": 0}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 8},
                "encoding": {"text": {"field": "value", "format": ",.3~s"}},
            },
        ],
    }


def lines(series: Mapping[str, Sequence[tuple[float, float]]], title: str) -> dict[str, Any]:
    """A drawing for each series, one below the other, over the same time.

    Args:
        series: by label: seconds, and a number.
        title: above all of them.
    """
    return {
        "$schema": SCHEMA,
        "title": title,
        "vconcat": [
            {
                "width": WIDTH,
                "height": 90,
                "data": {"values": [{"at": at, "value": value} for at, value in points]},
                "mark": {"type": "line", "interpolate": "monotone"},
                "encoding": {
                    "x": {"field": "at", "type": "quantitative", "title": "seconds"},
                    "y": {"field": "value", "type": "quantitative", "title": label},
                },
            }
            for label, points in series.items()
        ],
    }


def write(specification: Mapping[str, Any], path: Path) -> None:
    """Draw it, where the library is there."""
    import vl_convert  # large, and nobody's who does not draw

    svg: str = vl_convert.vegalite_to_svg(json.dumps(specification), vl_version=VERSION)
    path.write_text(svg, "utf-8")


def _document(title: str, values: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    return {"$schema": SCHEMA, "title": title, "width": WIDTH, "data": {"values": list(values)}}

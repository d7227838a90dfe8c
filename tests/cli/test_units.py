"""Durations, sizes and counts, read and written."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest
from hypothesis import given, strategies as st

from isthmus._cli import units


@pytest.mark.parametrize(
    ("text", "value"),
    [("500ms", 0.5), ("2s", 2.0), ("1.5", 1.5), ("2m", 120.0), (".5s", 0.5), ("1h", 3600.0), ("3 s", 3.0)],
)
def test_durations(text: str, value: float) -> None:
    assert units.seconds(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "soon", "5 parsecs", "1e9", "inf", "nan"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="a duration is written like"):
        units.seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4096", 4096),
        ("4k", 4096),
        ("64M", 64 << 20),
        ("64MiB", 64 << 20),
        ("64 mb", 64 << 20),
        ("1.5G", 3 << 29),
        ("0", 0),
    ],
)
def test_sizes(text: str, value: int) -> None:
    assert units.size(text) == value


@pytest.mark.parametrize("text", ["", "-1", "big", "5T", "M"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="a size is written like"):
        units.size(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "²"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        units.count(text)


@given(st.integers(0, 2**50))
def test_a_written_size_is_near_what_it_says(number: int) -> None:
    text = units.bytes_text(number)
    figure, unit = text.split()
    scale = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}[unit]
    assert abs(float(figure) * scale - number) <= 0.006 * number + (0.5 if unit == "B" else 0)
    assert len(figure) <= 4 or unit == "GB"


@pytest.mark.parametrize(
    ("duration", "text"),
    [(0.026, "26 ms"), (0.84, "0.8 s"), (42, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_a_wait(duration: float, text: str) -> None:
    assert units.seconds_text(duration) == text

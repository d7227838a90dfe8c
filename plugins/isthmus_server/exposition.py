"""Counters, gauges and histograms, as Prometheus reads them (text format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, final

__all__ = ["CONTENT_TYPE", "Counter", "Histogram", "gauge"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

MOST_SERIES: Final = 10_000
"""Of one metric: a label's values come from outside in part, and memory is not theirs to fill."""


@final
class Counter:
    """Counts, by the values of its labels.

    Args:
        name: of the metric.
        text: what it counts.
        labels: their names.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._name = name
        self._text = text
        self._labels = tuple(labels)
        self._counts: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, by: float = 1.0) -> None:
        """Count one, or ``by``, for these values of the labels."""
        if values in self._counts or len(self._counts) < MOST_SERIES:
            self._counts[values] = self._counts.get(values, 0.0) + by

    def lines(self) -> Iterator[str]:
        """What is read."""
        yield from _head(self._name, self._text, "counter")
        for values, count in self._counts.items():
            yield f"{self._name}{_labels(self._labels, values)} {_number(count)}"


@final
class Histogram:
    """Counts durations, by the values of its labels.

    Args:
        name: of the metric.
        text: what takes so long.
        labels: their names.
        bounds: seconds, ascending.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name = name
        self._text = text
        self._labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, seconds: float) -> None:
        """Count a duration for these values of the labels."""
        counts = self._counts.get(values)
        if counts is None:
            if len(self._counts) >= MOST_SERIES:
                return
            counts = self._counts[values] = [0] * (len(self._bounds) + 1)
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[values] = self._sums.get(values, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """What is read."""
        yield from _head(self._name, self._text, "histogram")
        names = (*self._labels, "le")
        for values, counts in self._counts.items():
            below = 0
            for bound, count in zip((*map(_number, self._bounds), "+Inf"), counts, strict=True):
                below += count
                yield f"{self._name}_bucket{_labels(names, (*values, bound))} {below}"
            own = _labels(self._labels, values)
            yield f"{self._name}_sum{own} {_number(self._sums[values])}"
            yield f"{self._name}_count{own} {below}"


def gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Iterator[str]:
    """What is so at the moment."""
    yield from _head(name, text, "gauge")
    for own, value in values.items():
        yield f"{name}{_labels(labels, own)} {_number(value)}"


def _head(name: str, text: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)) + "}"
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)

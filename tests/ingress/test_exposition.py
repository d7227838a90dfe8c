"""Metrics as Prometheus reads them, and logs as programs do."""

from __future__ import annotations

import io
import json
import logging
import re
import sys

import pytest
from hypothesis import given, strategies as st

from isthmus.testing import MemoryQueue
from isthmus_server.exposition import MOST_SERIES, Counter, Histogram, gauge
from isthmus_server.logs import JsonLines, json_logging

LINE = re.compile(
    r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (?P<value>\S+)'
)
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"')


def read(line: str) -> tuple[str, dict[str, str], float]:
    """As the format's own grammar says."""
    found = LINE.fullmatch(line)
    assert found, line
    labels = {
        name: re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), value)
        for name, value in LABEL.findall(found["labels"] or "")
    }
    return found["name"], labels, float(found["value"].replace("+Inf", "inf"))


@given(st.lists(st.tuples(st.text(), st.text(max_size=3)), max_size=20))
def test_a_counter_reads_as_what_was_counted_whatever_its_labels_are(seen: list[tuple[str, str]]) -> None:
    counter = Counter("c_total", "Counted.", ("a", "b"))
    for values in seen:
        counter.add(*values)
    head, kind, *lines = counter.lines()
    assert (head, kind) == ("# HELP c_total Counted.", "# TYPE c_total counter")
    told = {(labels["a"], labels["b"]): value for _, labels, value in map(read, lines)}
    assert told == {values: float(seen.count(values)) for values in set(seen)}


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_a_histogram_counts_below_each_of_its_bounds(seconds: list[float]) -> None:
    histogram = Histogram("h", "Took.", ("route",), (0.5, 1.0, 10.0))
    for each in seconds:
        histogram.add("r", seconds=each)
    told = {(name, labels.get("le")): value for name, labels, value in map(read, list(histogram.lines())[2:])}
    for bound in ("0.5", "1", "10", "+Inf"):
        assert told["h_bucket", bound] == sum(each <= float(bound.replace("+", "")) for each in seconds)
    assert told["h_count", None] == len(seconds)
    assert told["h_sum", None] == pytest.approx(sum(seconds))


def test_labels_from_outside_do_not_fill_the_memory() -> None:
    counter = Counter("c", "C.", ("a",))
    histogram = Histogram("h", "H.", ("a",), (1.0,))
    for number in range(MOST_SERIES + 10):
        counter.add(str(number))
        histogram.add(str(number), seconds=0.0)
    counter.add("0")
    assert len(list(counter.lines())) == MOST_SERIES + 2
    assert 'c{a="0"} 2' in list(counter.lines())
    assert len(list(histogram.lines())) == 4 * MOST_SERIES + 2


def test_a_gauge_without_labels() -> None:
    assert list(gauge("g", "G.", (), {(): 1.5}))[2:] == ["g 1.5"]


def test_a_record_is_a_line_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logger = logging.getLogger("isthmus.tested")
    before = logging.getLogger("isthmus").handlers[:]
    with json_logging(debug=False):
        logger.debug("not shown")
        logger.warning("a %s\nb", "line", extra={"fields": {"queue": "q", "odd": MemoryQueue}})
        try:
            raise ValueError("why")
        except ValueError:
            logger.exception("failed")
    assert logging.getLogger("isthmus").handlers == before
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["level"], first["message"], first["queue"]) == ("warning", "a line\nb", "q")
    assert "ValueError: why" in second["trace"]
    record = logging.LogRecord("isthmus", logging.INFO, "", 0, "plain", (), None)
    assert json.loads(JsonLines().format(record))["at"].endswith("+00:00")

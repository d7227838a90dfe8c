"""``--coverage``: the lines that ran are the lines that ran, and reports are what their readers take."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from isthmus._cli.linereport import Lines, cobertura, lcov, spans, summary

from .conftest import Isthmus

CODE = """\
\"\"\"Which of these lines run is marked.\"\"\"

import asyncio  # yes
import threading  # yes
from dataclasses import dataclass  # yes


@dataclass  # yes
class Order:  # yes
    total: int = 0  # yes

    def large(self):  # yes
        return self.total > 100  # yes


if len("module") == 1:  # yes
    NEVER = 1  # no


def unused():  # yes
    return 1  # no


def parts(n):  # yes
    for part in range(n):  # yes
        yield part  # yes


def in_thread(kept):  # yes
    kept.append(1)  # yes


async def on_track(event, settings):  # yes
    order = Order(
        event["properties"]["total"],  # yes
    )
    kept = []  # yes
    thread = threading.Thread(target=in_thread, args=(kept,))  # yes
    thread.start()  # yes
    thread.join()  # yes
    await asyncio.sleep(0)  # yes
    if order.large():  # yes
        raise ValueError("large")  # no
    try:  # yes
        {}["missing"]  # yes
    except KeyError:  # yes
        total = sum(parts(3))  # yes
    else:
        total = 0  # no
    return total  # yes


def on_identify(event, settings):  # yes
    print("never here")  # no
"""


LARGE = next(number for number, line in enumerate(CODE.splitlines(), 1) if 'ValueError("large")' in line)


def write(directory: Path, code: str = CODE, total: int = 1) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "function.py").write_text(code)
    (directory / "function.toml").write_text('name = "marked"\nkind = "destination"\n')
    (directory / "cases").mkdir(exist_ok=True)
    case = {"event": {"type": "track", "properties": {"total": total}}, "expected": {"status": "delivered"}}
    (directory / "cases" / "one.json").write_text(json.dumps(case))
    return directory


def marked(mark: str) -> set[int]:
    return {number for number, line in enumerate(CODE.splitlines(), 1) if line.endswith(f"# {mark}")}


def told(report: Path) -> dict[int, int]:
    """What an LCOV tracefile says, by line."""
    rows = [
        line.removeprefix("DA:").split(",") for line in report.read_text().splitlines() if line[:3] == "DA:"
    ]
    return {int(line): int(hits) for line, hits in rows}


@pytest.mark.slow
def test_the_lines_that_ran_in_python_are_told_and_no_others(isthmus: Isthmus, tmp_path: Path) -> None:
    function, report = write(tmp_path / "f"), tmp_path / "coverage.info"
    ran = isthmus("test", str(function), "--coverage", "--lcov", str(report))
    assert ran.status == 0, ran.out + ran.err
    lines = told(report)
    assert {line for line, hits in lines.items() if hits} >= marked("yes")
    assert {line for line, hits in lines.items() if not hits} == marked("no")
    assert f"{sum(lines.values())} of {len(lines)} lines of" in ran.out
    assert f", not {', '.join(map(str, sorted(marked('no'))))}" in " ".join(ran.out.split()), ran.out


@pytest.mark.slow
def test_a_call_that_throws_tells_its_lines_as_well_and_several_calls_add_up(
    isthmus: Isthmus, tmp_path: Path
) -> None:
    function, report = write(tmp_path / "f"), tmp_path / "coverage.xml"
    case = {"event": {"type": "track", "properties": {"total": 1000}}, "expected": {"status": "refused"}}
    (function / "cases" / "two.json").write_text(json.dumps(case))
    ran = isthmus("test", str(function), "--cobertura", str(report))
    assert ran.status == 0, ran.out + ran.err
    root = ET.fromstring(report.read_text())
    hits = {int(line.get("number") or 0): line.get("hits") for line in root.iter("line")}
    assert {line for line, count in hits.items() if count == "0"} == marked("no") - {LARGE}
    assert int(root.get("lines-covered") or 0) == sum(count == "1" for count in hits.values())
    assert [each.get("filename") for each in root.iter("class")] == [str(function / "function.py")]


@pytest.mark.slow
def test_a_hunt_tells_which_lines_it_reached(isthmus: Isthmus, tmp_path: Path) -> None:
    code = (
        "def on_track(event, settings):\n    return 1\n\ndef on_request(request, settings):\n    return 2\n"
    )
    function, report = write(tmp_path / "f", code), tmp_path / "coverage.info"
    ran = isthmus("fuzz", str(function), "--examples", "3", "--seed", "1", "--lcov", str(report))
    assert ran.status == 0, ran.out + ran.err
    assert told(report) == {1: 1, 2: 1, 4: 1, 5: 0}
    assert "3 of 4 lines of" in ran.out


def test_what_a_runtime_does_not_tell_is_said(isthmus: Isthmus, tmp_path: Path) -> None:
    report = tmp_path / "coverage.info"
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "one.json").write_text(json.dumps({"event": {"type": "track"}, "expected": {}}))
    (tmp_path / "f.js").write_text("function onTrack() {}")
    ran = isthmus("test", str(tmp_path / "f.js"), "--lcov", str(report))
    assert ran.status == 0, ran.err
    assert "f: its runtime does not tell which lines ran" in ran.out
    assert report.read_text() == ""
    refused = isthmus("test", str(tmp_path / "f.js"), "--cobertura", str(tmp_path / "none" / "c.xml"))
    assert (refused.status, "cannot be written" in refused.err) == (2, True)
    assert "which lines ran" not in isthmus("test", str(tmp_path / "f.js")).out


_sets = st.frozensets(st.integers(1, 60), max_size=40)


@given(_sets, _sets)
def test_reports_say_the_same_in_each_form(among: frozenset[int], ran: frozenset[int]) -> None:
    lines = Lines(file='a <"&>.py', among=among, ran=ran & among)
    rows = [
        row.removeprefix("DA:").split(",") for row in lcov([lines]).decode().splitlines() if row[:3] == "DA:"
    ]
    root = ET.fromstring(cobertura([lines], 7).decode())
    expected = {line: int(line in ran) for line in among}
    assert {int(line): int(hits) for line, hits in rows} == expected
    assert {
        int(each.get("number") or 0): int(each.get("hits") or 0) for each in root.iter("line")
    } == expected
    assert [each.get("name") for each in root.iter("class")] == [lines.file]
    shown: set[int] = set()
    for span in filter(None, spans(lines.missing, among).split(", ")):
        first, _, last = span.partition("-")
        shown |= set(range(int(first), int(last or first) + 1)) & among
    assert shown == set(lines.missing)
    assert summary(lines).startswith(f"{len(ran & among)} of {len(among)} lines of ")

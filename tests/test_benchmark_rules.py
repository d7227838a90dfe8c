"""What benchmarks conclude from figures, on figures made up."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path

import msgspec
import pytest
from benchmarks import _plot
from benchmarks._command import parser
from benchmarks._figures import Case, Figures, interleave
from benchmarks._ratios import Ratios, Record, Verdict, compared, judge, lost, of_lines
from benchmarks._report import Bar, Report
from benchmarks._tables import as_json_lines, as_markdown, as_table, verdicts_as_table
from benchmarks.check import KEPT, Baseline, main, settled
from benchmarks.soak.laws import Seen, doubled, growth, laws
from hypothesis import given, strategies as st


def lower(*values: float) -> Record:
    return Record(better="lower", values=values)


def higher(*values: float) -> Record:
    return Record(better="higher", values=values)


@pytest.mark.parametrize(
    ("then", "now", "state"),
    [
        (lower(1.0, 1.02, 0.98), lower(1.15, 1.2, 1.12), "regressed"),
        (lower(1.0, 1.02, 0.98), lower(1.08, 1.09, 1.05), "steady"),  # worse, by less than counts
        (lower(1.0, 1.4, 0.98), lower(1.2, 1.3, 1.15), "unsure"),  # one run before was as bad
        (lower(1.0, 1.02, 0.98), lower(1.3, 1.0, 1.2), "unsure"),  # one run now is as good
        (lower(1.0, 1.02, 0.98), lower(0.7, 0.8, 0.75), "better"),
        (lower(1.0, 1.02, 0.7), lower(0.7, 0.8, 0.75), "steady"),  # one run before was as good
        (higher(10.0, 11.0, 10.5), higher(8.0, 8.5, 8.2), "regressed"),
        (higher(10.0, 11.0, 10.5), higher(13.0, 14.0, 12.0), "better"),
        (higher(10.0,), higher(9.3), "steady"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_ratio_has_regressed_where_it_is_a_tenth_worse_in_every_run(
    then: Record, now: Record, state: str
) -> None:
    assert judge(then, now)[1] == state


VALUES = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=6)


@given(VALUES, VALUES)
def test_it_is_the_same_whichever_way_is_good(then: list[float], now: list[float]) -> None:
    worse, state = judge(lower(*then), lower(*now))
    turned, same = judge(higher(*(1 / value for value in then)), higher(*(1 / value for value in now)))
    assert turned == pytest.approx(worse, abs=1e-9)
    # At the very bound the inverse of an inverse may fall to either side.
    assert same == state or abs(worse - 0.1) < 1e-9 or abs(worse + 1 / 11) < 1e-9 or set(then) & set(now)


@given(VALUES)
def test_a_run_beside_itself_is_steady(values: list[float]) -> None:
    assert judge(lower(*values), lower(*values)) == (0.0, "steady")


def test_ratios_to_the_yardstick_are_of_one_processor() -> None:
    ratios: Ratios = {"call": {"warm / yardstick": lower(1.0), "warm / restored": lower(1.0)}}
    names = [verdict.name for verdict in compared(ratios, ratios, same_processor=False)]
    assert names == ["warm / restored"]
    assert len(compared(ratios, ratios)) == 2


def test_what_is_no_more_is_told_and_what_was_not_run_is_not() -> None:
    then: Ratios = {"call": {"a": lower(1.0), "b": lower(1.0)}, "tapes": {"c": lower(1.0)}}
    assert lost(then, {"call": {"a": lower(1.0), "new": lower(1.0)}}) == ["call: b"]


def test_what_seems_worse_is_run_again_until_it_is_certain() -> None:
    then: Ratios = {
        "steady": {"r": lower(1.0, 1.0)},
        "noisy": {"r": lower(1.0, 1.0)},
        "slow": {"r": lower(1.0, 1.0)},
    }
    runs = {"steady": deque([1.0]), "noisy": deque([1.5, 1.5, 1.0, 1.0, 1.0, 1.0]), "slow": deque([1.5])}
    asked: list[str] = []

    def run(bench: str) -> Ratios:
        asked.append(bench)
        values = runs[bench]
        values.rotate(-1)
        return {bench: {"r": lower(values[-1])}}

    verdicts, gone = settled(then, run, runs=2, same_processor=True)
    assert {verdict.bench: verdict.state for verdict in verdicts} == {
        "steady": "steady",
        "noisy": "steady",
        "slow": "regressed",
    }
    assert gone == []
    assert (asked.count("steady"), asked.count("noisy"), asked.count("slow")) == (2, 6, 6)


def test_check_fails_where_something_has_regressed_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "baseline.json")
    value = 1.0
    monkeypatch.setattr(
        "benchmarks.check.measured",
        lambda bench, *, quick: {bench: {"a / b": lower(value), "c": higher(2.0)}},
    )
    assert main(["--write", "--baseline", file, "call"]) == 0
    kept = msgspec.json.decode(Path(file).read_bytes(), type=Baseline)
    assert kept.ratios["call"]["a / b"].values == (1.0, 1.0, 1.0)
    assert main(["--baseline", file]) == 0
    value = 1.2
    assert main(["--baseline", file, "call"]) == 1
    assert "REGRESSED: call: a / b, by 20%" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--baseline", file, "tapes"])
    assert "has no 'tapes'; it has call" in capsys.readouterr().err


def test_the_kept_baseline_is_one() -> None:
    kept = msgspec.json.decode(KEPT.read_bytes(), type=Baseline)
    assert kept.machine["processor"]
    assert all(record.values for records in kept.ratios.values() for record in records.values())


def report() -> Report:
    figures = [
        Figures(name="warm", what="", rounds=[[1e-4, 2e-4], [1e-4]], yardstick=[[2e-4], [4e-4]]),
        Figures(name="cold", what="", inside=True, rounds=[[4e-4], [3e-4]], extra={"kb": 12.0}),
    ]
    bars = [
        Bar(case="cold", text="cold / warm", value=2.8, most=3.0),
        Bar(case="cold", text="cold, worst", value=400.0, most=100.0, unit="µs"),
    ]
    return Report(bench="made up", figures=figures, bars=bars)


def test_lines_have_the_ratios_that_runs_are_compared_by() -> None:
    warm, cold = (json.loads(line) for line in as_json_lines(report()).splitlines())
    assert warm["ratios"] == [{"name": "warm / yardstick", "better": "lower", "value": pytest.approx(0.5)}]
    assert cold["ratios"] == [{"name": "cold / warm", "better": "lower", "value": 2.8}]
    assert of_lines([warm, cold, cold])["made up"]["cold / warm"].values == (2.8, 2.8)


def test_tables_have_every_case_and_bar() -> None:
    shown = as_markdown(report())
    assert "| warm | 100.0 | 198.0 | 10,000 |  |" in shown
    assert "| cold * | 350.0 | 399.0 | 2,857 | kb 12 |" in shown
    assert "| cold, worst | 400 µs | <= 100 µs | DOES NOT HOLD |" in shown
    assert "cold / warm     2.800      bar <= 3      holds" in as_table(report())


def test_verdicts_are_told_the_worst_first() -> None:
    verdicts = [
        Verdict(bench="call", name="a", worse=-0.02, state="steady"),
        Verdict(bench="call", name="bb", worse=0.3, state="regressed"),
    ]
    assert verdicts_as_table(verdicts) == "call: bb   30.0% worse   regressed\ncall: a     2.0% better"


async def test_the_yardstick_is_measured_beside_every_case() -> None:
    async def sample() -> list[float]:
        return [1.0]

    figures = await interleave([Case(name="a", what="", sample=sample)], 3)
    assert len(figures["a"].yardstick) == 3
    assert figures["a"].in_yardsticks is not None
    assert Figures(name="b", what="").in_yardsticks is None


def test_a_history_is_lines_of_earlier_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "earlier.ndjson"
    path.write_text(as_json_lines(report()) + "\n")
    ratios, same = parser("made up", None).parse_args(["--history", str(path)]).history
    assert same
    assert set(ratios["made up"]) == {"warm / yardstick", "cold / warm"}
    path.write_text("no JSON")
    with pytest.raises(SystemExit):
        parser("made up", None).parse_args(["--history", str(path)])
    assert "has no JSON lines of earlier runs" in capsys.readouterr().err


def test_drawings_are_svg_with_their_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bars.svg"
    _plot.write(_plot.bars([("warm call", 81.0), ("from nothing", 7809.0)], "call"), path)
    drawn = path.read_text("utf-8")
    assert drawn.startswith("<svg")
    assert "warm call" in drawn
    _plot.write(_plot.lines({"memory, MiB": [(0.0, 1.0), (1.0, 2.0)]}, "soak"), path)
    assert "memory, MiB" in path.read_text("utf-8")
    with pytest.raises(SystemExit):
        parser("call", None).parse_args(["--plot", "call.png"])
    assert "call.png is not called one" in capsys.readouterr().err


def soaked(**seen: object) -> dict[str, bool]:
    """Which laws hold of a soak of ten minutes, but for what is said."""
    waves = 30
    well = Seen(
        seconds=600.0,
        at=[20.0 * wave for wave in range(waves)],
        rss=[100_000_000 + 1000 * (wave % 3) for wave in range(waves)],
        descriptors=[40 + wave % 2 for wave in range(waves)],
        threads=[9] * waves,
        rounds={"JavaScript": [[0.01, 0.02]] * waves, "WebAssembly": [[0.01]] * waves},
        expected=100,
        ended=100,
        promised={"a", "b"},
        arrivals=[(1.0, "a"), (2.0, "b")],
    )
    return {law.text: law.holds for law in laws(msgspec.structs.replace(well, **seen))}


def test_of_a_good_soak_every_law_holds() -> None:
    assert len(soaked()) == 9
    assert all(soaked().values())


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        ("outcomes that did not come", {"ended": 99}),
        ("outcomes that are wrong", {"wrong": ["JavaScript: another call's"]}),
        ("accepted events that did not arrive", {"promised": {"a", "b", "c"}}),
        ("events that arrived twice without a kill between", {"arrivals": [(1.0, "a"), (2.0, "b"), (3.0, "a")]}),
        ("growth of resident memory", {"rss": [100_000_000 + 500_000 * wave for wave in range(30)]}),
        ("more descriptors, last third over first", {"descriptors": [40 + wave for wave in range(30)]}),
        ("more threads, last third over first", {"threads": [9 + wave for wave in range(30)]}),
        ("p99 of JavaScript, last third / first", {"rounds": {"JavaScript": [[0.01 + wave / 1e3] for wave in range(30)], "WebAssembly": [[0.01]] * 30}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_law_is_broken_by_what_breaks_it_alone(broken: str, seen: dict[str, object]) -> None:
    assert [text for text, holds in soaked(**seen).items() if not holds] == [broken]


def test_a_short_soak_says_nothing_of_times() -> None:
    assert not any("p99" in text for text in soaked(seconds=30.0))


def test_what_arrives_again_after_a_kill_is_not_doubled() -> None:
    assert doubled([(1.0, "a"), (3.0, "a")], [2.0]) == 0
    assert doubled([(1.0, "a"), (3.0, "a"), (4.0, "a")], [2.0]) == 1
    assert doubled([(3.0, "a"), (1.0, "b"), (4.0, "b")], [0.5, 5.0]) == 1


@given(st.lists(st.integers(0, 29), max_size=8, unique=True), st.integers(-3, 3))
def test_no_spike_makes_growth(spikes: list[int], slope: int) -> None:
    at = [float(wave) for wave in range(30)]
    flat = [1000.0 + slope * wave for wave in range(30)]
    spiked = [value * (3 if wave in spikes else 1) for wave, value in enumerate(flat)]
    assert abs(growth(at, spiked)) < 0.2

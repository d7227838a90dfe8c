"""The benchmarks run, whatever their figures are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from benchmarks.peers.contenders import CONTENDERS, Contender
from benchmarks.peers.contest import Probed, Result, Sizes, hold
from benchmarks.peers.handlers import EXPECTED
from benchmarks.peers.installing import NODE, Absent, Packages, pinned
from benchmarks.peers.table import as_json_lines, as_markdown, bars

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bench", "cases"),
    [
        ("backfill", 5),
        ("call", 14),
        ("crypto", 3),
        ("intl", 7),
        ("libraries", 4),
        ("nats", 10),
        ("wasm", 4),
        ("queue", 6),
        ("python", 7),
        ("python_wasm", 5),
        ("pipeline", 5),
        ("server", 4),
        ("journals", 5),
        ("tapes", 6),
        ("embedding", 6),
    ],
)
def test_every_case_of_a_quick_run_has_a_figure(bench: str, cases: int) -> None:
    command = [sys.executable, "-m", "benchmarks", bench, "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({line["case"] for line in lines}) == len(lines) >= cases
    assert all(line["median_us"] > 0 for line in lines)


@pytest.mark.slow
def test_the_contest_with_peers_that_need_no_installation() -> None:
    command = [sys.executable, "-m", "benchmarks", "peers", "--quick", "--json"]
    only = ["--only", "isthmus, Python", "--only", "Python, a process an event"]
    done = subprocess.run(
        [*command, *only], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    figures = {line["contender"]: line for line in lines if "contender" in line}
    assert set(figures) == {"isthmus", "isthmus, Python", "Python, a process an event"}
    for line in figures.values():
        assert "absent" not in line, line
        assert min(line["fresh_us"], line["kept_us"], line["fresh_per_second"], line["first_ms"]) > 0
        assert line["probes"]["loop"]["ms"] >= 200
    assert sum("bar" in line for line in lines) == 1  # there is no other JavaScript


@pytest.mark.slow
def test_a_short_soak_keeps_every_law_but_those_of_time(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "soak",
        "--quick",
        "--json",
        "--plot",
        str(tmp_path / "soak.svg"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    whole, *each = (json.loads(line) for line in done.stdout.splitlines())
    assert whole["outcomes"] > 0
    assert whole["accepted"] > 0
    assert whole["kills"] > 0
    assert whole["faults"] > 0
    assert {"JavaScript", "WebAssembly", "fetch", "loop"} <= {line["case"] for line in each}
    assert (tmp_path / "soak.svg").read_text("utf-8").startswith("<svg")


def test_what_contenders_need_is_pinned() -> None:
    for contender in CONTENDERS:
        if contender.group:
            assert all("==" in each for each in pinned(contender.group)), contender.name
        if contender.package:
            lock = json.loads((NODE / contender.package / "package-lock.json").read_text("utf-8"))
            assert lock["packages"][""]["dependencies"] == {
                contender.package: lock["packages"][f"node_modules/{contender.package}"]["version"]
            }


def test_what_compiles_for_long_is_left_out_until_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path))
    (heavy,) = (contender for contender in CONTENDERS if contender.heavy)
    with pytest.raises(
        Absent, match=r"compiling it takes many minutes; `--only isolated-vm`|there is no npm"
    ):
        Packages().command(heavy)


def test_who_fails_on_the_way_leaves_the_contest_to_the_others() -> None:
    driver = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "sample" and FAILS:
        sys.exit("out of breath")
    answers = {"open": {"value": EXPECTED}, "live": {"bytes": 1}, "probe": {"seconds": 0.2, "how": "stopped"}}
    sample = {"ns": [1000], "value": EXPECTED}
    print(json.dumps(answers.get(request["do"], sample)), flush=True)
"""

    def contender(name: str, *, fails: bool) -> Contender:
        code = driver.replace("EXPECTED", repr(EXPECTED)).replace("FAILS", repr(fails))
        return Contender(name=name, boundary="none", isolation="", driver=(sys.executable, "-c", code))

    contest = (contender("isthmus", fails=False), contender("tired", fails=True))
    ours, tired = hold(contest, Sizes(turn=1, turns=1, stream=4, probes=1), print)
    assert "out of breath" in tired.absent
    assert (ours.absent, ours.fresh, ours.live, list(ours.probes)) == ("", [1e-6], 1, ["loop"])


def test_who_cannot_take_part_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Contender(
        name="isthmus", boundary="memory-safe", isolation="a stand-in", driver=(sys.executable, "-c", "")
    )
    nowhere = msgspec.structs.replace(here, name="nowhere", driver=("/nowhere/at/all",))
    broken = msgspec.structs.replace(
        here, name="broken", driver=(sys.executable, "-c", "import a_module_there_is_not")
    )
    none, not_started, failed = hold(
        (here, nowhere, broken), Sizes(turn=1, turns=1, stream=4, probes=1), print
    )
    assert none.absent == "its process ended with 0"
    assert not_started.absent.startswith("it can't be started")
    assert "No module named 'a_module_there_is_not'" in failed.absent


def test_what_is_absent_is_in_the_tables_and_in_no_bar() -> None:
    ours = Result(contender="isthmus", first=0.5, fresh=[1e-4], kept=[5e-5], throughput=9000.0)
    ours.probes = {
        "loop": Probed(seconds=0.25, how="stopped"),
        "regex": Probed(seconds=None, how="no answer"),
    }
    rivals = [
        Result(contender="quickjs-emscripten", fresh=[3e-4], kept=[5e-5], throughput=3600.0),
        Result(contender="quickjs", absent="not today"),
    ]
    contest = tuple(each for each in CONTENDERS if each.name in {"isthmus", "quickjs-emscripten", "quickjs"})
    promises = bars(contest, [ours, *rivals])
    assert [(promise.value, promise.holds) for promise in promises] == [(2.5, False), (float("inf"), False)]
    shown = as_markdown(contest, [ours, *rivals], promises)
    assert "absent: not today" in shown
    assert "| 250 | **no answer** |" in shown
    assert [json.loads(line) for line in as_json_lines(contest, [ours, *rivals], promises).splitlines()][
        2
    ] == {
        "contender": "quickjs",
        "language": "javascript",
        "boundary": "none",
        "isolation": "a C extension in the process",
        "absent": "not today",
    }

"""A part is done or not, whatever was killed; and a ledger is of one destination and one run at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from isthmus.commands import UsageFault
from isthmus_backfill._ledger import Counts, Ledger, PartResult
from isthmus_backfill._plan import Part, Plan

from .conftest import plan_of

CRASHING = Path(__file__).with_name("crashing.py")


def ends(folder: Path, *how: str) -> list[str]:
    command = [sys.executable, str(CRASHING), str(folder), *how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="limits and audit events as Linux has them")
def test_a_result_is_there_whole_or_not_at_all_wherever_its_writer_is_killed(tmp_path: Path) -> None:
    found = ends(tmp_path)
    assert set(found) == {"missing", "done"}, found


@pytest.mark.skipif(sys.platform != "linux", reason="limits and audit events as Linux has them")
def test_without_the_rename_a_kill_leaves_half_a_result(tmp_path: Path) -> None:
    assert "damaged" in ends(tmp_path, "direct")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(Plan(destination="crm", part_bytes=1024))
    result = PartResult(file="/f", start=0, end=9, bytes=9, counts=Counts(delivered=2, broken=1, retried=4))
    ledger.write((3, 1), result, b"")
    written = ledger.write((0, 12), result, b"{}\n")
    assert ledger.results() == {(0, 12): written, (3, 1): result}
    assert ledger.failed_file(result) is None
    failed = ledger.failed_file(written)
    assert failed is not None
    assert failed.read_bytes() == b"{}\n"


def test_a_damaged_result_is_an_error_that_names_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(Plan(destination="crm", part_bytes=1024))
    (tmp_path / "parts" / "000000-000000.json").write_bytes(b'{"file":"/f"')
    with pytest.raises(UsageFault, match=r"000000-000000\.json cannot be read"):
        ledger.results()


@pytest.mark.parametrize("left", [b"", b"{", b'{"version":2,"destination":"crm","part_bytes":1}', b"[]"])
def test_a_plan_that_is_none_is_an_error(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(left)
    with pytest.raises(UsageFault):
        Ledger(tmp_path).plan()


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_bytes(b"")
    with pytest.raises(UsageFault, match="no ledger, and not empty"):
        Ledger(tmp_path).plan()


def test_two_runs_cannot_have_one_ledger(tmp_path: Path) -> None:
    other = Ledger(tmp_path).locked()
    with Ledger(tmp_path).locked(), pytest.raises(UsageFault, match="another run works on"):
        other.__enter__()
    with Ledger(tmp_path).locked():
        assert Ledger(tmp_path).plan() is None


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"{}\n" * 5000)
    plan = Plan(destination="crm", part_bytes=1024, files=(plan_of(tmp_path / "a.ndjson", 1024),))
    ledger = Ledger(tmp_path / "ledger")
    ledger.begin(plan)
    assert ledger.plan() == plan
    assert plan.files[0].parts[1] == Part(1024, 2048, 1024)


counts = st.builds(Counts, **dict.fromkeys(Counts.__struct_fields__, st.integers(0, 10**9)))


@given(counts, counts)
def test_counts_add_up(one: Counts, other: Counts) -> None:
    both = one + other
    assert both == other + one
    assert both.events == one.events + other.events
    assert both.failed == one.failed + other.failed

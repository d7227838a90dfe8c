"""Ray and Dask as they are: a real cluster of each on this machine, whose processes are killed as well."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from isthmus.__main__ import main
from isthmus_backfill import _dask

from .conftest import Endpoint, event, failures, gone, ndjson, pipeline, results, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc, to find processes"),
]

COUNT = 500


def carriers(session: int) -> list[int]:
    """Processes of a session that carry parts: those that a cluster has started to run tasks."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == session:
                words = (path / "cmdline").read_bytes()
                if words.startswith(b"ray::carry") or b"spawn_main" in words:
                    found.append(int(path.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("on", ["dask", "ray"])
def test_a_cluster_carries_parts_outlives_a_killed_process_and_ends_in_peace(
    tmp_path: Path, endpoint: Endpoint, on: str
) -> None:
    pipeline(tmp_path, endpoint)
    endpoint.pause = 0.02
    refused = "m7"
    endpoint.answer = lambda events: 400 if any(one["messageId"] == refused for one in events) else 200
    path = ndjson(tmp_path / "a.ndjson", map(event, range(COUNT)))
    given = (
        path,
        "--to",
        "crm",
        "--pipeline",
        "pipeline.toml",
        "--part-size",
        "2K",
        "--processes",
        2,
        "--json",
        "--grace",
        "10m",
    )
    with running(tmp_path, *given, "--on", on) as process:
        endpoint.wait_for(30)
        pids = carriers(process.pid)
        assert pids
        os.kill(pids[0], signal.SIGKILL)
        endpoint.wait_for(120)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everybody hears it
        out, err = process.communicate(timeout=300)
        assert gone(pids)
    assert process.returncode == 130, err
    report = json.loads(out)
    assert (report["interrupted"], report["parts"]["not_done"]) == (True, []), err
    done = sum(one["counts"]["delivered"] for one in results(tmp_path / "crm.backfill"))
    assert 0 < done == report["run"]["delivered"] == len(endpoint.seen) < COUNT - 1
    # What is left can be done by anybody: here by processes of this machine.
    with running(tmp_path, *given) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err  # one event was refused, and no part is missing
    report = json.loads(out)
    assert (report["total"]["delivered"], report["total"]["refused"]) == (COUNT - 1, 1)
    assert set(endpoint.seen) == {f"m{number}" for number in range(COUNT)} - {refused}
    assert [one["event"]["messageId"] for one in failures(tmp_path / "crm.backfill")] == [refused]


def test_a_cluster_that_is_not_there_is_an_error_in_a_sentence(
    tmp_path: Path,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(_dask, "PATIENCE", 0.5)
    monkeypatch.chdir(tmp_path)
    pipeline(tmp_path, endpoint)
    ndjson(tmp_path / "a.ndjson", map(event, range(3)))
    given = ["a.ndjson", "--to", "crm", "--pipeline", "pipeline.toml", "--on", "dask"]
    assert main(["backfill", *given, "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "there is no Dask cluster to be had" in capfd.readouterr().err

"""``isthmus backfill`` from its arguments to a real endpoint: once, killed, interrupted, and again."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.__main__ import main
from isthmus._cli.interrupts import ECHO

from .conftest import (
    Endpoint,
    children,
    event,
    failures,
    gone,
    ndjson,
    pipeline,
    results,
    running,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="POSIX signals, and /proc to find processes")

Backfill = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def backfill(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Backfill:
    """Run the command here to ``crm``, and take its exit status, its report, and what it told people."""
    monkeypatch.chdir(tmp_path)
    pipeline(tmp_path, endpoint)

    def run(*arguments: object, processes: int = 1) -> tuple[int, dict[str, Any], str]:
        capfd.readouterr()
        given = [*arguments, "--to", "crm", "--pipeline", "pipeline.toml", "--processes", processes, "--json"]
        status = main(["backfill", *map(str, given)])
        out, err = capfd.readouterr()
        return status, json.loads(out) if out else {}, err

    return run


def archive(folder: Path, count: int = 300) -> Path:
    """A directory of all kinds of files, with so many events in all."""
    folder.mkdir()
    third = count // 3
    ndjson(folder / "a.ndjson", map(event, range(third)))
    lines = b"\n".join(json.dumps(event(number)).encode() for number in range(third, 2 * third))
    (folder / "b.ndjson.gz").write_bytes(gzip.compress(lines))
    rows = [event(number, properties='{"n": 1}') for number in range(2 * third, count)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "c.parquet", row_group_size=30)
    return folder


def ids(*numbers: int) -> set[str]:
    return {f"m{number}" for number in range(*numbers)}


def test_every_kind_of_file_arrives_once_and_another_run_does_what_is_new(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    archive(tmp_path / "archive")
    status, report, said = backfill("archive", "--part-size", 3000, processes=2)
    assert (status, report["parts"]["not_done"], report["failed_files"]) == (0, [], [])
    assert set(endpoint.seen) == ids(300)
    assert set(endpoint.seen.values()) == {1}
    assert endpoint.events["m299"]["properties"] == {"n": 1}
    assert report["run"] == report["total"] == results_sum(tmp_path / "crm.backfill")
    assert report["run"]["delivered"] == report["run"]["events"] == 300
    assert report["parts"]["planned"] == report["parts"]["done"] >= 5
    assert "300 delivered" in said
    status, report, said = backfill("archive", "--part-size", 3000)
    assert (status, report["run"]["events"], report["total"]["events"]) == (0, 0, 300)
    assert report["parts"]["done_before"] == report["parts"]["planned"]
    assert "nothing was done now" in said
    # What has come since is added, wherever it stands in the order of names.
    ndjson(tmp_path / "archive" / "0.ndjson", map(event, range(300, 330)))
    status, report, _ = backfill("archive")
    assert (status, report["run"]["events"], report["total"]["events"]) == (0, 30, 330)
    assert set(endpoint.seen) == ids(330)
    assert set(endpoint.seen.values()) == {1}


def results_sum(ledger: Path) -> dict[str, int]:
    """The counts of all parts together, by adding up what is on disk."""
    names = ("delivered", "dropped", "filtered", "refused", "given_up", "broken", "retried")
    sums = {name: sum(one["counts"][name] for one in results(ledger)) for name in names}
    return {"events": sum(sums[name] for name in names[:5])} | sums


def test_what_is_busy_is_tried_again_and_what_failed_is_kept_with_reasons(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    refused = {"m3", "m17"}
    tries: Counter[str] = Counter()

    def answer(events: list[dict[str, Any]]) -> int:
        names = {one["messageId"] for one in events}
        tries.update(names)
        if "m25" in names and tries["m25"] == 1:
            return 503
        return 400 if refused & names else 200

    endpoint.answer = answer
    path = ndjson(tmp_path / "a.ndjson", map(event, range(30)))
    path.write_bytes(path.read_bytes() + b"no event\n")
    status, report, said = backfill(path)
    assert status == 1
    assert (report["run"]["delivered"], report["run"]["refused"], report["run"]["broken"]) == (28, 2, 1)
    assert report["run"]["retried"] > 0
    assert set(endpoint.seen) == ids(30) - refused
    assert set(endpoint.seen.values()) == {1}
    kept = failures(tmp_path / "crm.backfill")
    assert {one["event"]["messageId"] for one in kept if one["status"] == "refused"} == refused
    assert [one["text"] for one in kept if one["status"] == "broken"] == ["no event"]
    assert all("status 400" in one["reason"] for one in kept if one["status"] == "refused")
    assert report["failed_files"][0] in said.replace("\n", "")
    assert backfill(path)[0] == 1  # and again: they are not done well by being done


def test_events_without_ids_get_the_same_ones_whenever_they_are_sent(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    bare = [{"type": "track", "event": "Seen", "userId": f"u{number}"} for number in range(40)]
    path = ndjson(tmp_path / "a.ndjson", bare)
    packed = tmp_path / "b.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(bare[:10]).encode()))
    assert backfill(path, packed, "--ledger", "one")[0] == 0
    assert backfill(path, packed, "--ledger", "two", "--part-size", 1024)[0] == 0
    assert len(endpoint.seen) == 50
    assert set(endpoint.seen.values()) == {2}


def test_a_file_that_changed_is_refused_and_the_others_are_done(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    first = ndjson(tmp_path / "a.ndjson", map(event, range(100)))
    second = ndjson(tmp_path / "b.ndjson", map(event, range(100, 120)))
    endpoint.answer = lambda events: 200
    assert backfill(first, second, "--part-size", 2000)[0] == 0
    ledger = tmp_path / "crm.backfill" / "parts"
    for name in ("000000-000001.json", "000001-000000.json"):
        (ledger / name).unlink()
    ndjson(first, map(event, range(101)))
    before = endpoint.seen.copy()
    status, report, said = backfill(first, second, "--part-size", 2000)
    assert status == 1
    assert [one["part"] for one in report["parts"]["not_done"]] == [f"part 2 of {first}"]
    assert "has changed since the plan was made" in said
    assert {name for name in endpoint.seen if endpoint.seen[name] != before[name]} == ids(100, 120)


def test_a_dry_run_says_what_there_is_and_sends_nothing(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    archive(tmp_path / "archive")
    status, plan, _ = backfill("archive", "--part-size", 3000, "--dry-run")
    assert status == 0
    files = {Path(file["path"]).name: file for file in plan["files"]}
    assert [(file["format"], file["rows"], file["rows_exact"]) for file in files.values()] == [
        ("lines", 100, True),
        ("whole", None, False),
        ("parquet", 100, True),
    ]
    assert plan["parts"] == sum(file["parts"] for file in files.values())
    assert plan["bytes"] == sum(os.path.getsize(path["path"]) for path in plan["files"])
    assert not endpoint.seen
    assert not (tmp_path / "crm.backfill").exists()


def test_inserts_and_functions_run_as_the_pipeline_has_them(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    (tmp_path / "mask.js").write_text(
        "async function onTrack(event) { if (event.userId === 'u1') return null; delete event.userId; return event }"
    )
    pipeline(tmp_path, endpoint, 'inserts = ["mask.js"]\nfilter = {types = ["track"]}')
    events = [event(0), event(1), event(2, type="page")]
    status, report, _ = backfill(ndjson(tmp_path / "a.ndjson", events))
    assert (status, report["run"]["delivered"], report["run"]["dropped"], report["run"]["filtered"]) == (
        0,
        1,
        1,
        1,
    )
    assert list(endpoint.events) == ["m0"]
    assert "userId" not in endpoint.events["m0"]


def test_a_function_alone_is_a_destination_with_its_settings(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hook.js").write_text(
        """
        async function onTrack(event, settings) {
            const headers = { "content-type": "application/json" };
            await fetch(settings.url, { method: "POST", headers, body: JSON.stringify([event]) });
            if (event.userId === "u1") throw new Error(settings.apiKey);
        }
        """
    )
    Path("function.toml").write_text(
        'name = "hook"\nkind = "destination"\ncode = "hook.js"\n'
        '[[settings]]\nname = "url"\n[[settings]]\nname = "apiKey"\nsensitive = true\n'
    )
    Path("live.json").write_text(json.dumps({"url": endpoint.url, "apiKey": "s3cr3t-of-the-test"}))
    ndjson(Path("a.ndjson"), map(event, range(3)))
    status = main(
        [
            "backfill",
            "a.ndjson",
            "--to",
            "hook.js",
            "--settings",
            "live.json",
            "--allow-private",
            "--processes",
            "1",
        ]
    )
    said = capfd.readouterr()
    assert status == 1
    assert set(endpoint.seen) == ids(3)
    (failed,) = failures(Path("hook.backfill"))
    assert "[redacted:apiKey]" in failed["reason"]
    everything = b"".join(path.read_bytes() for path in Path("hook.backfill").rglob("*") if path.is_file())
    assert b"s3cr3t" not in everything + (said.out + said.err).encode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["a.ndjson", "--to", "nobody", "--pipeline", "pipeline.toml"],
            "has no destination 'nobody'; it has crm",
        ),
        (["no.ndjson", "--to", "crm", "--pipeline", "pipeline.toml"], "there is no file 'no.ndjson'"),
        (["a.ndjson", "--to", "nothing.js"], "there is no file or directory 'nothing.js'"),
        (["a.ndjson", "--to", "crm", "--pipeline", "pipeline.toml", "--ledger", "full"], "is no ledger"),
        (
            ["a.ndjson", "--to", "crm", "--pipeline", "pipeline.toml", "--part-size", "10"],
            "--part-size takes 1024",
        ),
        (["a.ndjson", "--to", "crm", "--pipeline", "pipeline.toml", "--cluster", "x"], "--cluster is for"),
        (
            ["a.ndjson", "--to", "crm", "--pipeline", "pipeline.toml", "--settings", "x"],
            "for a function alone",
        ),
        (["a.ndjson", "--to", "broken", "--pipeline", "broken.toml"], "BROKEN_KEY"),
        (
            ["a.ndjson", "--to", "out", "--pipeline", "file.toml", "--processes", "2", "--part-size", "1K"],
            "--processes 1",
        ),
        (["a.ndjson", "--to", "parts", "--pipeline", "parts.toml"], "which makes several events of one"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    tmp_path: Path,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline(tmp_path, endpoint)
    ndjson(Path("a.ndjson"), map(event, range(100)))
    Path("full").mkdir()
    Path("full", "thesis.tex").write_bytes(b"")
    source = '[[source]]\nid = "web"\n[[destination]]\n'
    Path("broken.toml").write_text(f'{source}name = "broken"\nhttp = {{env = "BROKEN_KEY"}}\n')
    Path("file.toml").write_text(f'{source}name = "out"\nfile = "out.ndjson"\n')
    Path("parts.toml").write_text(f'{source}name = "parts"\nhttp = "{endpoint.url}"\ninserts = ["insert"]\n')
    Path("insert").mkdir()
    Path("insert", "function.toml").write_text('name = "insert"\nkind = "insert"\nfan_out = true\n')
    Path("insert", "function.js").write_text("function onTrack(event) { return [event, event] }\n")
    assert main(["backfill", *arguments]) == 2
    assert said in capfd.readouterr().err
    assert not endpoint.seen


def test_a_function_that_does_not_load_is_shown_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ndjson(Path("a.ndjson"), map(event, range(3)))
    Path("fn.js").write_text("async function onTrack( {")
    assert main(["backfill", "a.ndjson", "--to", "fn.js", "--processes", "1"]) == 3
    said = capfd.readouterr().err
    assert "the function does not load" in said
    assert "fn.js:1" in said
    assert results(Path("fn.backfill")) == []


def test_a_ledger_is_of_one_destination(tmp_path: Path, backfill: Backfill) -> None:
    path = ndjson(tmp_path / "a.ndjson", map(event, range(3)))
    assert backfill(path)[0] == 0
    (tmp_path / "fn.js").write_text("async function onTrack() {}")
    assert main(["backfill", str(path), "--to", "fn.js", "--ledger", "crm.backfill"]) == 2


# ---------------------------------------------------------------- killed, and interrupted

SLOW = ("--part-size", "2K", "--to", "crm", "--pipeline", "pipeline.toml", "--quiet")


@pytest.mark.slow
def test_killed_again_and_again_it_does_exactly_the_parts_that_are_missing(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    path = ndjson(tmp_path / "a.ndjson", map(event, range(400)))
    endpoint.pause = 0.02
    pids: list[int] = []
    for _ in range(2):
        before = sum(endpoint.seen.values())
        with running(tmp_path, path, *SLOW, "--processes", 2) as process:
            endpoint.wait_for(min(before + 60, 390))
            pids = children(process)
            process.kill()
        assert gone(pids)  # nobody goes on in the name of one that was killed
    done = results(tmp_path / "crm.backfill")
    sent = endpoint.seen.copy()
    settled = {name for one in done for name in ids_between(path, one["start"], one["end"])}
    assert 0 < len(settled) < 400
    endpoint.pause = 0.0
    status, report, _ = backfill(path, "--part-size", "2K")
    assert status == 0
    assert set(endpoint.seen) == ids(400)
    # Of parts that were done nothing came again; of the others everything did, with the ids it had.
    assert {name for name in endpoint.seen if endpoint.seen[name] > sent[name]} == ids(400) - settled
    assert report["run"]["events"] == 400 - len(settled)


def ids_between(path: Path, start: int, end: int) -> set[str]:
    """Ids of the lines that begin between two bytes."""
    found, at = set[str](), 0
    for line in path.read_bytes().splitlines(keepends=True):
        if start <= at < end:
            found.add(json.loads(line)["messageId"])
        at += len(line)
    return found


@pytest.mark.slow
def test_what_a_killed_process_had_is_done_by_another(tmp_path: Path, endpoint: Endpoint) -> None:
    pipeline(tmp_path, endpoint)
    endpoint.pause = 0.02
    path = ndjson(tmp_path / "a.ndjson", map(event, range(400)))
    with running(tmp_path, path, *SLOW, "--processes", 2, "--json") as process:
        endpoint.wait_for(40)
        os.kill(children(process)[0], signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"a process has died" in err
    assert set(endpoint.seen) == ids(400)
    report = json.loads(out)
    assert (report["run"]["delivered"], report["parts"]["not_done"]) == (400, [])


@pytest.mark.parametrize(("deaths", "expected"), [(2, 0), (3, 2)])
def test_a_process_that_dies_while_it_starts_is_replaced_but_not_for_ever(
    tmp_path: Path,
    endpoint: Endpoint,
    backfill: Backfill,
    monkeypatch: pytest.MonkeyPatch,
    deaths: int,
    expected: int,
) -> None:
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho >> starts\n[ $(wc -l < starts) -le {deaths} ] && exit 1\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    assert backfill(ndjson(tmp_path / "a.ndjson", map(event, range(3))))[0] == expected
    assert set(endpoint.seen) == (set() if expected else ids(3))


@pytest.mark.slow
def test_a_part_that_kills_its_processes_is_given_up(tmp_path: Path, endpoint: Endpoint) -> None:
    pipeline(tmp_path, endpoint)
    endpoint.answer = lambda events: os.kill(children(process)[0], signal.SIGKILL) or 200  # type: ignore[func-returns-value]
    path = ndjson(tmp_path / "a.ndjson", [event(1)])
    with running(tmp_path, path, *SLOW, "--processes", 1) as process:
        err = process.communicate(timeout=60)[1]
    assert process.returncode == 1, err
    assert len(re.findall(rb"a process has died", err)) == 3
    assert b"is not done: the processes that carried it have died" in err


@pytest.mark.slow
def test_an_interrupt_finishes_what_is_under_way_and_begins_nothing(
    tmp_path: Path, endpoint: Endpoint, backfill: Backfill
) -> None:
    endpoint.pause = 0.02
    path = ndjson(tmp_path / "a.ndjson", map(event, range(1000)))
    with running(tmp_path, path, *SLOW, "--processes", 2) as process:
        endpoint.wait_for(30)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
    assert process.returncode == 130, err
    assert b"under way may go on" in err
    done = results(tmp_path / "crm.backfill")
    settled = {name for one in done for name in ids_between(path, one["start"], one["end"])}
    assert set(endpoint.seen) == settled
    assert 30 <= len(settled) < 1000
    endpoint.pause = 0.0
    assert backfill(path, "--part-size", "2K")[0] == 0
    assert set(endpoint.seen) == ids(1000)
    assert set(endpoint.seen.values()) == {1}


@pytest.mark.slow
def test_a_second_interrupt_ends_it_at_once(tmp_path: Path, endpoint: Endpoint) -> None:
    pipeline(tmp_path, endpoint)
    asked = threading.Event()
    endpoint.answer = lambda events: asked.set() or 503  # type: ignore[func-returns-value]
    path = ndjson(tmp_path / "a.ndjson", map(event, range(20)))
    with running(tmp_path, path, *SLOW, "--processes", 1, "--grace", "1h") as process:
        assert asked.wait(60)
        pids = children(process)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        assert b"interrupt again" in process.stderr.readline()
        gone([process.pid], 2 * ECHO)  # what comes within a moment of the first counts as the same
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert gone(pids)
    assert results(tmp_path / "crm.backfill") == []

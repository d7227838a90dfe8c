"""Types for authors: a checker passes a function that is right, and finds what is wrong with one that is not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import isthmus_guest
from isthmus_cpython import isthmus_templates

RIGHT = """
import asyncio
from typing import Any, TypedDict
from isthmus_guest import (
    BatchResult, Event, FetchError, GroupEvent, Request, Response, RetryError, Settings, TrackEvent,
    afetch, asleep, cache, fetch, log, segment, sleep,
)

class Order(TypedDict):
    total: float

def on_track(event: TrackEvent[Order], settings: Settings) -> float:
    reveal_type(event["properties"]["total"])
    response = fetch(settings["endpoint"], json={"total": event["properties"]["total"]}, headers={"X-A": "b"})
    reveal_type(response.status)
    log.warn("status", response.status)
    return event["properties"]["total"] * 2

async def on_group(event: GroupEvent[dict[str, Any]], settings: Settings) -> None:
    responses = await asyncio.gather(afetch("https://a.example"), afetch("https://b.example"))
    reveal_type(responses[0])
    token = cache.load("token", 60, lambda: "t")
    reveal_type(token)
    other = await cache.aload("token", None, fresh)
    reveal_type(other)
    await asleep(0.1)

async def fresh() -> int:
    return 1

def on_batch(events: list[Event], settings: Settings) -> list[BatchResult]:
    return [{"status": 200} if event["type"] == "track" else {"status": 500, "errormessage": "no"} for event in events]

def on_request(request: Request, settings: Settings) -> None:
    reveal_type(request.headers["x"])
    segment.track(event="Seen", user_id="u", properties=request.json())
    raise RetryError("later") from FetchError("x", "ECONNRESET")
"""
REVEALED = ["float", "int", "isthmus_guest._fetch.Response", "str", "int", "str"]

WRONG = """
from isthmus_guest import BatchResult, Request, RetryError, Settings, TrackEvent, fetch, log, segment
from typing import Any

def on_track(event: TrackEvent[dict[str, Any]], settings: Settings) -> str:
    event["propertys"]
    fetch("https://a.example", metod="POST")
    fetch("https://a.example").status + "1"
    segment.trak(event="e")
    log.warning_("x")
    return event.get("userId")

def on_batch(events: list[Any], settings: Settings) -> list[BatchResult]:
    return [{"status": "200"}]

def on_request(request: Request, settings: Settings) -> None:
    request.body + "text"
    raise RetryError(status=500)
"""


def checked(directory: Path, *files: str) -> list[tuple[int, str]]:
    """(line, message) of what mypy says."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", *files]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    assert not done.stderr, done.stderr
    found = re.findall(r"^[^:\n]+:(\d+): (?:note|error): (.+)$", done.stdout, re.MULTILINE)
    return [(int(line), message) for line, message in found]


@pytest.mark.slow
def test_a_checker_passes_what_is_right_and_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    named = []
    for number, template in enumerate(isthmus_templates()):
        named.append(f"template{number}.py")
        (tmp_path / named[-1]).write_text(template.files()["function.py"].read_text())
    right = checked(tmp_path, "right.py", *named)
    assert [message.partition('"')[2].rstrip('"') for _, message in right] == REVEALED
    wrong = checked(tmp_path, "wrong.py")
    lines = WRONG.splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.startswith("    ")]
    assert sorted({line for line, message in wrong if "Did you mean" not in message}) == marked


def test_everything_that_is_there_is_exported_and_typed() -> None:
    package = Path(isthmus_guest.__file__).parent
    assert (package / "py.typed").exists()
    assert sorted(isthmus_guest.__all__) == isthmus_guest.__all__
    assert all(hasattr(isthmus_guest, name) for name in isthmus_guest.__all__)

"""What carries events away: HTTP and a file, and what each says of a destination that does not take them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from isthmus import Code, EngineError, FetchError, Status
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.sinks import FileSink, HttpSink
from isthmus.testing import MockFetcher

from .scripted import engine_with

URL = "https://user:password@hooks.example.com/path?key=secret"


async def test_requests_need_somebody_who_carries_them_out() -> None:
    async with engine_with({}) as engine:
        with pytest.raises(EngineError, match="no plugin of this engine carries requests out"):
            HttpSink(engine, URL)


@pytest.mark.parametrize(
    ("status", "became", "name"),
    [
        (204, Status.DELIVERED, ""),
        (302, Status.REFUSED, "BadRequest"),
        (404, Status.REFUSED, "BadRequest"),
        (429, Status.RETRY, "RetryError"),
        (503, Status.RETRY, "RetryError"),
        (0, Status.RETRY, "FetchError"),
    ],
)
async def test_an_answer_decides_and_no_url_is_told(status: int, became: Status, name: str) -> None:
    bodies: list[bytes | None] = []

    def answer(request: FetchRequest) -> FetchResponse:
        bodies.append(request.body)
        if not status:
            raise FetchError(f"request to {request.url} failed", code="ECONNREFUSED")
        return FetchResponse(status=status, headers=(("retry-after", "7"),), url=request.url)

    async with engine_with({}, MockFetcher(answer)) as engine:
        sink = HttpSink(engine, URL)
        attempt = await sink.deliver([b'{"a":1}', b'{"b":2}'])
    assert bodies == [b'[{"a":1},{"b":2}]']
    assert (attempt.status, attempt.problem.name if attempt.problem else "") == (became, name)
    assert attempt.retry_after == (7.0 if name == "RetryError" else None)
    assert repr(sink) == "HttpSink('hooks.example.com')"
    assert "example.com" not in repr(attempt)


async def test_lines_are_appended_and_a_full_file_makes_way(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out", rotate_bytes=20)
    for number in range(5):
        assert (await sink.deliver([b'{"n":\n%d}' % number, b"{}"])).status is Status.DELIVERED
    lines = [(tmp_path / name).read_text() for name in ("out.1", "out.2", "out")]
    assert lines == ['{"n": 0}\n{}\n{"n": 1}\n{}\n', '{"n": 2}\n{}\n{"n": 3}\n{}\n', '{"n": 4}\n{}\n']


async def test_of_what_the_disk_does_not_take_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = FileSink(tmp_path / "out")
    await sink.deliver([b"{}"])

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        attempt = await sink.deliver([b'{"lost":1}'])
    assert (attempt.status, attempt.problem and attempt.problem.code) == (Status.RETRY, Code.RETRY)
    assert attempt.problem is not None
    assert attempt.problem.message == "out cannot be written: No space left on device"
    assert (tmp_path / "out").read_bytes() == b"{}\n"
    missing = await FileSink(tmp_path / "none" / "out").deliver([b"{}"])
    assert missing.problem is not None
    assert missing.problem.message == "out cannot be written: No such file or directory"
    assert repr(sink) == f"FileSink('{tmp_path}/out')"

"""Journals: what is written can be read, by others and after a kill, and no more is kept than may be."""

from __future__ import annotations

import gzip
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from isthmus._journal import writer as writing
from isthmus._journal.reading import JournalReader
from isthmus._journal.segments import SUFFIX, Retention, new_segment, segments
from isthmus._journal.writer import JournalWriter


@contextmanager
def opened(
    directory: Path,
    *,
    max_bytes: int = 2**30,
    max_age: float = 1e6,
    sync: bool = False,
    clock: Callable[[], float] = lambda: 1e9,
    encode: Callable[[bytes], bytes] = bytes,
) -> Iterator[JournalWriter[bytes]]:
    writer: JournalWriter[bytes] = JournalWriter(
        directory, encode, max_bytes=max_bytes, max_age=max_age, linger=0.0, sync=sync, clock=clock
    )
    try:
        yield writer
    finally:
        writer.close()


def put_and_wait(writer: JournalWriter[bytes], record: bytes) -> OSError | None:
    told = threading.Event()
    errors: list[OSError | None] = []

    def done(error: OSError | None) -> None:
        errors.append(error)
        told.set()

    writer.put_and_tell(record, done)
    assert told.wait(30)
    return errors[0]


def read(directory: Path) -> list[bytes]:
    return list(JournalReader(directory).lines())


def test_what_is_written_can_be_read_meanwhile_and_is_plain_gzip_in_the_end(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "log"
    with opened(directory, sync=True) as writer:
        assert read(directory) == []
        assert put_and_wait(writer, b'{"n":1}') is None
        assert read(directory) == [b'{"n":1}']
        writer.put(b'{"n":2}')
    assert read(directory) == [b'{"n":1}', b'{"n":2}']
    (segment,) = segments(directory)
    assert gzip.decompress(segment.read_bytes()) == b'{"n":1}\n{"n":2}\n'
    assert directory.stat().st_mode & 0o077 == 0
    assert segment.stat().st_mode & 0o077 == 0


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=8), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_of_a_file_that_is_cut_anywhere_whole_records_are_read(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], share: float
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    records = [random.Random(size).randbytes(size).hex().encode() for size in sizes]
    ends = []
    with opened(directory) as writer:
        for record in records:
            put_and_wait(writer, record)
            ends.append(segments(directory)[0].stat().st_size)
    (segment,) = segments(directory)
    cut = int(share * segment.stat().st_size)
    os.truncate(segment, cut)
    reader = JournalReader(directory)
    found = list(reader.lines())
    assert found == records[: len(found)]
    assert len(found) >= sum(end <= cut for end in ends)
    assert reader.damaged == []


def test_what_is_damaged_is_said_and_the_other_segments_are_read(tmp_path: Path) -> None:
    for record in (b"first", b"second"):
        with opened(tmp_path, clock=lambda record=record: 1e9 + len(record)) as writer:  # type: ignore[misc]
            put_and_wait(writer, record)
    first, _ = segments(tmp_path)
    first.write_bytes(b"no gzip at all")
    reader = JournalReader(tmp_path)
    assert list(reader.lines()) == [b"second"]
    assert reader.damaged == [first]


def test_no_more_is_kept_than_may_be_and_the_newest_stays(tmp_path: Path) -> None:
    times = iter(range(10**9, 2 * 10**9))
    with opened(tmp_path, max_bytes=300_000, clock=lambda: float(next(times))) as writer:
        for number in range(60):
            put_and_wait(writer, b"%d " % number + os.urandom(10_000).hex().encode())
    kept = segments(tmp_path)
    assert len(kept) > 2
    assert sum(path.stat().st_size for path in kept) <= 300_000 + writing.LEAST_SEGMENT
    numbers = [int(line.split()[0]) for line in read(tmp_path)]
    assert numbers == list(range(numbers[0], 60))
    assert 10 < len(numbers) < 60


def test_segments_that_are_too_old_go_and_files_of_others_stay(tmp_path: Path) -> None:
    old, young = new_segment(tmp_path, 1e9), new_segment(tmp_path, 2e9)
    for path, at in ((old, 1e9), (young, 2e9), (tmp_path / "notes.txt", 1e9)):
        path.write_bytes(b"x")
        os.utime(path, (at, at))
    (tmp_path / f"other{SUFFIX}").write_bytes(b"x")
    Retention(tmp_path, max_bytes=100, max_age=60).enforce(2e9 + 30, spare=None)
    assert segments(tmp_path) == [young]
    Retention(tmp_path, max_bytes=0, max_age=60).enforce(2e9 + 30, spare=young)
    assert segments(tmp_path) == [young]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_segment_that_somebody_removed_is_not_written_to_any_more(tmp_path: Path) -> None:
    with opened(tmp_path) as writer:
        put_and_wait(writer, b"first")
        segments(tmp_path)[0].unlink()
        put_and_wait(writer, b"second")
        assert read(tmp_path) == [b"second"]


def test_what_the_disk_does_not_take_is_said_and_the_next_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, full = os.write, [False]

    def failing(descriptor: int, data: bytes) -> int:
        if full[0]:
            write(descriptor, data[:3])  # half of it is there
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr("isthmus._journal.writer.os.write", failing)
    with opened(tmp_path) as writer:
        put_and_wait(writer, b"first")
        full[0] = True
        error = put_and_wait(writer, b"second")
        assert error is not None
        assert error.errno == 28
        full[0] = False
        assert put_and_wait(writer, b"third") is None
        assert writer.lost == 1
    assert read(tmp_path) == [b"first", b"third"]


def test_only_a_record_that_cannot_be_encoded_is_left_out(tmp_path: Path) -> None:
    def encode(record: bytes) -> bytes:
        record.decode()
        return record

    with opened(tmp_path, encode=encode) as writer:
        for record in (b"first", b"\xff", b"third"):
            put_and_wait(writer, record)
    assert read(tmp_path) == [b"first", b"third"]
    assert writer.lost == 1


def test_records_that_wait_are_bounded_and_after_the_end_none_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_WAITING", 2)
    begun, go_on = threading.Event(), threading.Event()

    def encode(record: bytes) -> bytes:
        begun.set()
        go_on.wait(30)
        return record

    with opened(tmp_path, encode=encode) as writer:
        writer.put(b"0")
        assert begun.wait(30)
        for number in range(1, 5):
            writer.put(b"%d" % number)
        go_on.set()
    assert read(tmp_path) == [b"0", b"1", b"2"]
    assert writer.lost == 2
    writer.put(b"late")
    assert writer.lost == 3
    with pytest.raises(ValueError, match="closed"):
        writer.put_and_tell(b"late", lambda error: None)


def test_a_segment_that_retention_has_removed_meanwhile_is_passed_over(tmp_path: Path) -> None:
    for number in range(2):
        with opened(tmp_path, clock=lambda number=number: 1e9 + number) as writer:  # type: ignore[misc]
            writer.put(b"%d" % number)
    lines = JournalReader(tmp_path).lines()
    assert next(lines) == b"0"
    segments(tmp_path)[1].unlink()
    assert list(lines) == []


def test_a_line_that_never_ends_is_damage_and_no_memory_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isthmus._journal.reading.LINE_BYTES", 1000)
    monkeypatch.setattr("isthmus._journal.reading._CHUNK", 4096)
    with opened(tmp_path) as writer:
        writer.put(b"short")
        writer.put(b"x" * 200_000)
    reader = JournalReader(tmp_path)
    assert list(reader.lines()) == [b"short"]
    assert reader.damaged == segments(tmp_path)

"""What is kept in the user's cache is bounded, and whole, whoever else reads and writes there."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from isthmus_quickjs._kept import is_ours, read_kept, write_kept


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "made" / "a.bin"
    assert read_kept(path) is None
    write_kept(path, b"made")
    assert read_kept(path) == b"made"
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    for number in range(4):
        write_kept(tmp_path / f"{number}.bin", bytes(100), most=400)
        os.utime(tmp_path / f"{number}.bin", (number, number))
    assert read_kept(tmp_path / "0.bin") == bytes(100)  # and is the newest now
    write_kept(tmp_path / "4.bin", bytes(200), most=400)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.bin", "3.bin", "4.bin"]


def test_what_is_too_large_for_the_bound_is_kept_alone(tmp_path: Path) -> None:
    write_kept(tmp_path / "a.bin", bytes(10), most=100)
    write_kept(tmp_path / "b.bin", bytes(1000), most=100)
    assert [path.name for path in tmp_path.iterdir()] == ["b.bin"]


def test_what_a_process_that_died_has_left_goes_after_a_while(tmp_path: Path) -> None:
    (tmp_path / "a.1234.5678").write_bytes(b"half")
    (tmp_path / "b.1234.5678").write_bytes(b"half")
    os.utime(tmp_path / "a.1234.5678", (0, 0))
    write_kept(tmp_path / "c.bin", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.1234.5678", "c.bin"]


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    write_kept(tmp_path / "file" / "a.bin", b"made")
    assert read_kept(tmp_path / "file" / "a.bin") is None


def test_what_is_somebody_elses_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_kept(path, b"made")
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    assert not is_ours(path)
    assert read_kept(path) is None


def test_many_write_and_read_at_once(tmp_path: Path) -> None:
    problems: list[object] = []

    def use(which: int) -> None:
        for number in range(60):
            name = (which * 7 + number) % 20
            write_kept(tmp_path / f"{name}.bin", bytes([name]) * 100, most=1000)
            content = read_kept(tmp_path / f"{name}.bin")
            if content not in (None, bytes([name]) * 100):
                problems.append(content)

    threads = [threading.Thread(target=use, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    write_kept(tmp_path / "last.bin", bytes(100), most=1000)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000

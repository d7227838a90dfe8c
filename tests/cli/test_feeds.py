"""Bytes of files: gzip in members, padded, cut, damaged; and lines that are left."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from isthmus._cli import feeds
from isthmus._cli.feeds import Feed
from isthmus._cli.splitting import Unreadable


def contents(path: Path) -> bytes:
    feed = Feed(str(path))
    try:
        return b"".join(iter(feed.read, b""))
    finally:
        feed.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    padding=st.integers(0, 5),
    chunk=st.integers(1, 64),
)
def test_gzip_gives_what_was_packed(
    members: list[bytes], padding: int, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "CHUNK", chunk)
    path = tmp_path / "x.gz"
    path.write_bytes(b"".join(map(gzip.compress, members)) + b"\0" * padding)
    assert contents(path) == b"".join(members)


def test_a_bomb_is_unpacked_a_piece_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\0" * (50 << 20)))
    feed = Feed(str(path))
    sizes = [len(chunk) for chunk in iter(feed.read, b"")]
    feed.close()
    assert sum(sizes) == 50 << 20
    assert max(sizes) <= feeds.CHUNK


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:20] + b"xxxx" + data[24:]])
def test_damage_is_told(damage: object, tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(damage(gzip.compress(bytes(range(256)) * 50)))  # type: ignore[operator]
    with pytest.raises(Unreadable, match="gzip data"):
        contents(path)


def test_a_file_that_is_not_gzip_is_read_as_it_is(tmp_path: Path) -> None:
    for data in (b"", b"\x1f", b"\x1fabc", b"plain"):
        path = tmp_path / "x"
        path.write_bytes(data)
        assert contents(path) == data


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        Feed(str(tmp_path))


@pytest.mark.parametrize(("data", "lines"), [(b"a\nb\nc\n", 3), (b"a\nb\nc", 3), (b"", 0), (b"\n", 1)])
def test_lines_that_are_left(data: bytes, lines: int, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    feed = Feed(str(path))
    assert feed.count_lines(patience=60) == (lines, True)
    feed.close()


def test_lines_of_a_long_rest_are_estimated(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789\n" * 500_000)
    feed = Feed(str(path))
    lines, exact = feed.count_lines(patience=-1)
    feed.close()
    assert not exact
    assert lines == pytest.approx(500_000, rel=0.01)

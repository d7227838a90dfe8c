"""Files are found, told apart, cut into parts, and known again."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from isthmus.commands import UsageFault
from isthmus.eventfiles import Piece
from isthmus_backfill._archive import changed, files_of
from isthmus_backfill._plan import File
from isthmus_backfill._reading import EVENT_BYTES, Lost, Reading

from .conftest import event, ndjson, plan_of


def pieces(file: File) -> list[tuple[int, Piece]]:
    """All events of all parts, as they are read."""
    found: list[tuple[int, Piece]] = []
    for part in file.parts:
        reading = Reading(file, part)
        while (some := reading.next()) is not None:
            found += some
        assert reading.consumed == part.bytes
        reading.close()
    return found


def test_directories_are_searched_and_what_is_hidden_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "a/2.ndjson",
        "a/1.json.gz",
        "a/deep/3.parquet",
        "a/notes.txt",
        "a/.hidden.json",
        "a/_temporary/4.json",
        "a/_SUCCESS",
        "b.log",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}\n")
    found = [os.path.relpath(path) for path in files_of(["a", "b.log", "a/2.ndjson"])]
    assert found == ["a/1.json.gz", "a/2.ndjson", "a/deep/3.parquet", "b.log"]
    assert [os.path.relpath(path) for path in files_of(["a/*.ndjson", "**/*.parquet"])] == [
        "a/2.ndjson",
        "a/deep/3.parquet",
    ]


@pytest.mark.parametrize("given", ["nothing", "no/*.json", "empty"])
def test_what_is_not_there_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageFault, match=given.split("/", maxsplit=1)[0]):
        files_of([given])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"a":1}\n{"b":2}\n', "lines"),
        (b'\xef\xbb\xbf{"a":1}\n', "lines"),
        (b"no event\n", "lines"),
        (b"", "lines"),
        (b'[{"a":1},\n{"b":2}]', "whole"),
        (b'{\n "a": 1\n}\n{\n "b": 2\n}', "whole"),
        (gzip.compress(b'{"a":1}\n', mtime=0), "whole"),
    ],
)
def test_a_file_is_told_by_its_bytes(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "events.json"
    path.write_bytes(data)
    assert plan_of(path).format == kind


def test_what_cannot_be_events_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes("\ufeff{}".encode("utf-16-le"))
    with pytest.raises(UsageFault, match="UTF-16"):
        plan_of(tmp_path / "a.json")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(UsageFault, match="as Parquet"):
        plan_of(tmp_path / "a.parquet")


@given(st.integers(1, 5000), st.integers(0, 300))
def test_parts_are_all_of_a_file(tmp_path_factory: pytest.TempPathFactory, size: int, count: int) -> None:
    path = tmp_path_factory.getbasetemp() / "parts.ndjson"
    path.write_bytes(b'{"type":"page"}\n' * count)
    file = plan_of(path, size)
    assert sum(part.bytes for part in file.parts) == file.size
    bounds = [part.start for part in file.parts] + [file.size]
    assert [part.end for part in file.parts] == bounds[1:]
    assert bounds[0] == 0
    assert (file.rows, file.exact) == (count, True)


def test_the_ids_of_events_are_the_same_however_a_file_is_cut(tmp_path: Path) -> None:
    path = ndjson(tmp_path / "a.ndjson", map(event, range(500)))
    whole = pieces(plan_of(path))
    assert pieces(plan_of(path, 1000)) == pieces(plan_of(path, 7001)) == whole
    assert plan_of(path, 1000).identity == plan_of(path).identity
    assert [json.loads(piece)["messageId"] for _, piece in whole] == [f"m{number}" for number in range(500)]


@pytest.mark.parametrize("data", [b'[{"a":1}, {"b":2}]', b'{"a":1}\n\n{"b":2}\n', b'{\n"a":1}\n\n{\n"b":2}'])
def test_gzip_and_arrays_have_numbered_events(tmp_path: Path, data: bytes) -> None:
    plain, packed = tmp_path / "a.json", tmp_path / "a.json.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data, mtime=0))
    read = [json.loads(piece) for _, piece in pieces(plan_of(packed))]
    assert read == [json.loads(piece) for _, piece in pieces(plan_of(plain))] == [{"a": 1}, {"b": 2}]


def test_a_damaged_gzip_gives_what_comes_before_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    lines = b"".join(json.dumps(event(number)).encode() + b"\n" for number in range(50_000))
    path.write_bytes(gzip.compress(lines, mtime=0)[:-100])
    file = plan_of(path)
    reading = Reading(file, file.parts[0])
    count = 0
    while (some := reading.next()) is not None:
        count += len(some)
    assert 0 < count < 50_000
    assert "gzip" in reading.trouble


@pytest.mark.parametrize("how", ["longer", "touched", "other", "gone"])
def test_a_file_that_changed_is_not_carried(tmp_path: Path, how: str) -> None:
    path = ndjson(tmp_path / "a.ndjson", map(event, range(10)))
    file = plan_of(path)
    assert not changed(file)
    if how == "longer":
        path.write_bytes(path.read_bytes() + b"{}\n")
    elif how == "touched":
        os.utime(path, ns=(file.changed_ns, file.changed_ns + 1))
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"u7", b"u8"))
        os.utime(path, ns=(file.changed_ns, file.changed_ns))
    with pytest.raises(Lost, match=str(path)):
        Reading(file, file.parts[0])


def test_a_file_that_changes_while_it_is_read_is_not_done(tmp_path: Path) -> None:
    path = ndjson(tmp_path / "a.ndjson", map(event, range(10)))
    file = plan_of(path)
    reading = Reading(file, file.parts[0])
    assert reading.next()
    with path.open("ab") as more:
        more.write(b"{}\n")
    with pytest.raises(Lost, match="has changed"):
        reading.next()


def test_a_line_longer_than_an_event_may_be_is_a_flaw_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"a":1}\n{"b":"' + b"x" * EVENT_BYTES + b'"}\n{"c":3}\n')
    found = [piece for _, piece in pieces(plan_of(path, 1 << 18))]
    assert found[0::2] == [b'{"a":1}', b'{"c":3}']
    assert "the limit is" in str(found[1])

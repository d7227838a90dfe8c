"""Compiled code on disk: found again by a later start, private, and never trusted where it may be another's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import wasmtime
from tests.wasm.modules import ECHO

from isthmus_wasmtime import _compiled
from isthmus_wasmtime._compiled import CompiledCache
from isthmus_wasmtime._runtime import binary_of
from isthmus_wasmtime._wasm import new_engine

BINARY = binary_of(ECHO, "x")


def cache(directory: Path | None, flavour: str = "") -> CompiledCache:
    return CompiledCache(new_engine(), directory, flavour)


def counts(kept: CompiledCache) -> tuple[int, int]:
    kept.get(wasmtime.Module, BINARY, lambda: BINARY)
    return kept.hits, kept.misses


def test_what_was_compiled_is_found_by_the_next_start(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "one"
    assert counts(cache(directory)) == (0, 1)
    assert counts(cache(directory)) == (1, 0)
    (kept,) = directory.iterdir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_what_differs_in_anything_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "kept"
    assert counts(cache(directory)) == (0, 1)
    assert counts(cache(directory, "fuel")) == (0, 1)
    monkeypatch.setattr(_compiled, "version", lambda name: "0")
    assert counts(cache(directory)) == (0, 1)
    monkeypatch.undo()
    monkeypatch.setattr(_compiled, "_processor", lambda: "another")
    assert counts(cache(directory)) == (0, 1)


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, damage: bytes | None) -> None:
    directory = tmp_path / "kept"
    counts(cache(directory))
    (kept,) = directory.iterdir()
    kept.write_bytes(kept.read_bytes()[:-200] if damage is None else damage)
    assert counts(cache(directory)) == (0, 1)
    assert counts(cache(directory)) == (1, 0)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o755])
def test_a_directory_that_is_not_private_is_not_used(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    assert counts(cache(tmp_path)) == (0, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_private_directory_is_not_used(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir(mode=0o700)
    link.symlink_to(real)
    assert counts(cache(link)) == (0, 1)
    assert list(real.iterdir()) == []


def test_without_a_directory_nothing_is_kept() -> None:
    assert counts(cache(None)) == (0, 1)


def test_a_disk_that_is_full_costs_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "kept"

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert counts(cache(directory)) == (0, 1)
    assert list(directory.iterdir()) == []


def test_what_was_used_longest_ago_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "kept"
    counts(cache(directory))
    (old,) = directory.iterdir()
    os.utime(old, (1, 1))
    monkeypatch.setattr(_compiled, "MOST_BYTES", old.stat().st_size + 10)
    assert counts(cache(directory, "another")) == (0, 1)
    assert old not in list(directory.iterdir())
    assert len(list(directory.iterdir())) == 1

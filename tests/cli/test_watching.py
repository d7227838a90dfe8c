"""Which files are watched, and that a change is told once it has come to rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio

from isthmus._cli import watching
from isthmus._cli.watching import changed, snapshot


def test_what_tools_keep_is_not_looked_at(tmp_path: Path) -> None:
    for name in (
        "function.js",
        "lib/part.js",
        "node_modules/a/index.js",
        ".git/HEAD",
        "lib/.swap",
        "target/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "gone.js").symlink_to(tmp_path / "nowhere")
    beside = tmp_path / "lib" / "part.js"
    assert {Path(path).relative_to(tmp_path).as_posix() for path in snapshot([tmp_path])} == {
        "function.js",
        "lib/part.js",
    }
    assert [*snapshot([beside])] == [str(beside)]


async def test_a_change_is_told_once_nothing_more_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor that writes in several steps, a look after each."""
    file = tmp_path / "function.js"
    file.write_text("")
    texts = ["", "", "one", "two, and longer", "two, and longer"]

    def look(places: list[Path]) -> watching.Snapshot:
        if texts:
            file.write_text(texts.pop(0))
            os.utime(file, ns=(1, 1) if not file.read_text() else (2, 2))
        return snapshot(places)

    os.utime(file, ns=(1, 1))
    before = snapshot([tmp_path])
    monkeypatch.setattr(watching, "snapshot", look)
    monkeypatch.setattr(watching, "EVERY", 0.001)
    monkeypatch.setattr(watching, "SETTLED", 0.001)
    with trio.fail_after(120):
        after = await changed([tmp_path], before)
    assert after == snapshot([tmp_path])
    assert not texts
    assert file.read_text() == "two, and longer"

"""What is compiled is kept where the user keeps such things, or where the operator says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from isthmus.cachedir import cache_directory


def test_the_operator_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path))
    assert cache_directory() == tmp_path


@pytest.mark.parametrize(
    ("platform", "xdg", "expected"),
    [
        ("linux", "", "home/.cache/isthmus"),
        ("linux", "xdg", "xdg/isthmus"),
        ("darwin", "xdg", "home/Library/Caches/isthmus"),
    ],
)
def test_else_it_is_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, platform: str, xdg: str, expected: str
) -> None:
    monkeypatch.delenv("ISTHMUS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert cache_directory() == Path(expected)

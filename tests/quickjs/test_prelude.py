"""The prelude as a whole: what it promises is there, its scripts compile once, and images stay small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.javascript import Scripts, call_of

from isthmus.errors import RuntimeFault
from isthmus_quickjs import _prelude
from isthmus_quickjs._guest import JS_STACK, PRELUDE_MEMORY, Guest
from isthmus_quickjs._world import STACK

DIRECTORY = Path(_prelude.__file__).parent / "prelude"
MODULES: dict[str, list[str]] = json.loads((DIRECTORY / "modules.json").read_text())


async def test_every_promised_global_is_there_whether_it_is_named_or_not(scripts: Scripts) -> None:
    names = [name for module, globals_ in MODULES.items() if module != "segment" for name in globals_]
    body = "return event.map((name) => typeof globalThis[name])"
    unnamed = await scripts.body(body)
    named = await scripts.body(f"{body} // {' '.join(names)}")
    types = await named.value(call_of(names))
    assert isinstance(types, list)
    assert "undefined" not in types
    assert await unnamed.value(call_of(names)) == types


def test_no_two_modules_promise_one_global() -> None:
    names = [name for globals_ in MODULES.values() for name in globals_]
    assert len(names) == len(set(names))
    assert all((DIRECTORY / f"{module}.js").is_file() for module in MODULES)


async def test_an_image_holds_little_that_its_function_does_not_use(scripts: Scripts) -> None:
    """Every call copies its image: about 1 µs for 25 KB."""
    sizes = {}
    for name in ("", "console", "fetch", "crypto"):
        script = await scripts(f"onTrack = () => 1 // {name}")
        sizes[name] = script.image.end - STACK
    assert sizes[""] < 400_000
    assert sizes["console"] - sizes[""] < 100_000
    assert sizes["fetch"] - sizes[""] < 60_000
    assert sizes["crypto"] - sizes[""] < 110_000


# ---------------------------------------------------------------- compiling


def compiled(guest: Guest, directory: Path, cache: Path) -> dict[str, bytes]:
    return _prelude.compile_prelude(guest, directory, cache, JS_STACK, PRELUDE_MEMORY)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "prelude"
    made.mkdir()
    (made / "one.js").write_text("(native, shared) => ({ one: 1 })")
    (made / "two.js").write_text("(native, shared) => ({ two: '\u00fc' })")
    return made


def test_scripts_are_compiled_once_for_all_processes(
    guest: Guest, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = compiled(guest, directory, cache)
    assert set(first) == {"one", "two"}
    monkeypatch.setattr(_prelude, "compile_script", None)
    assert compiled(guest, directory, cache) == first


def test_a_changed_script_is_compiled_again(guest: Guest, directory: Path, tmp_path: Path) -> None:
    first = compiled(guest, directory, tmp_path)
    (directory / "one.js").write_text("(native, shared) => ({ one: 111 })")
    second = compiled(guest, directory, tmp_path)
    assert second["one"] != first["one"]
    assert second["two"] == first["two"]


def test_a_broken_cache_is_no_cache(guest: Guest, directory: Path, tmp_path: Path) -> None:
    first = compiled(guest, directory, tmp_path)
    [kept] = tmp_path.glob("*.msgpack")
    kept.write_bytes(b"\x93broken")
    assert compiled(guest, directory, tmp_path) == first


def test_a_script_with_an_error_is_the_runtimes_fault(guest: Guest, directory: Path, tmp_path: Path) -> None:
    (directory / "three.js").write_text("(native, shared) => {{{")
    with pytest.raises(RuntimeFault, match=r"three\.js does not compile"):
        compiled(guest, directory, tmp_path)

"""Functions with a package.json: bundled by esbuild, with their packages, as run, invoke, check and bundle meet them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import isthmus_fetch
import isthmus_quickjs
from isthmus_quickjs import _bundles
from isthmus_quickjs._esbuild import VERSION

from .conftest import Isthmus

PLUGINS = (isthmus_quickjs, isthmus_fetch)
NPM = shutil.which("npm")
pytestmark = pytest.mark.skipif(NPM is None, reason="npm is not here, and esbuild comes from there")

FILES = {
    "function.toml": 'name = "fn"\nkind = "destination"\ncode = "src/index.ts"\n',
    "package.json": '{"name": "fn", "version": "1.0.0", "private": true}',
    "src/index.ts": """import { camel } from 'words';
import * as limits from './limits';
import table from './table.json';

enum Level { Low = 1, High }

export async function onTrack(event: { event: string; properties: { total: number } }): Promise<unknown> {
  limits.check(event.properties.total);
  return [camel(event.event), Level.High, table.tax];
}
""",
    "src/limits/index.ts": "export * from './check';\n",
    "src/limits/check.ts": """export function check(total: number): void {
  if (total > 10) {
    throw new RangeError(`too much: ${total}`);
  }
}
""",
    "src/table.json": '{"tax": 19}',
    "node_modules/words/package.json": '{"name": "words", "version": "1.0.0", "main": "words.js"}',
    "node_modules/words/words.js": """const fs = require('fs');
const read = fs.readFile;
class Reader extends require('node:net').Socket {}
exports.camel = (text) => {
  if (text === 'read') read('/etc/passwd');
  if (text === 'fail') throw new TypeError('words fail me');
  return text.replace(/ (\\w)/g, (_, letter) => letter.toUpperCase());
};
""",
}


@pytest.fixture(scope="session")
def esbuild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for PATH that has esbuild in it."""
    place = tmp_path_factory.mktemp("esbuild")
    (place / "package.json").write_text("{}")
    command = [str(NPM), "install", "--no-audit", "--no-fund", "--no-save", f"esbuild@{VERSION}"]
    subprocess.run(command, cwd=place, check=True, capture_output=True)
    return place / "node_modules" / ".bin"


@pytest.fixture
def fn(tmp_path: Path, esbuild: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The function's directory; esbuild on PATH, bundles in a cache of the test's own."""
    monkeypatch.setenv("PATH", f"{esbuild}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("isthmus_quickjs._bundles.bundles_directory", lambda: tmp_path / "bundles")
    monkeypatch.setattr("isthmus_quickjs._runtime.bundles_directory", lambda: tmp_path / "bundles")
    root = tmp_path / "fn"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def event(name: str = "order placed", total: float = 1) -> str:
    return json.dumps({"type": "track", "event": name, "userId": "u", "properties": {"total": total}})


def test_its_modules_and_packages_run(fn: Path, isthmus: Isthmus) -> None:
    ran = isthmus("invoke", "fn", "--event", event(), "--json", plugins=PLUGINS)
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out)["value"] == ["orderPlaced", 2, 19]


def stack_of(out: str) -> list[str]:
    stack = json.loads(out)["problem"]["stack"]
    return [line.rpartition(":")[0] for line in stack.splitlines()]


def test_stacks_name_the_authors_files_and_lines(fn: Path, isthmus: Isthmus) -> None:
    ran = isthmus("invoke", "fn", "--event", event(total=11), "--json", plugins=PLUGINS)
    assert stack_of(ran.out) == [
        "    at check (fn/src/limits/check.ts:3",
        "    at onTrack (fn/src/index.ts:8",
    ]
    ran = isthmus("invoke", "fn", "--event", event("fail"), "--json", plugins=PLUGINS)
    assert stack_of(ran.out)[0].endswith(" (fn/node_modules/words/words.js:6")


def test_what_a_package_imports_and_a_function_cannot_have_fails_where_it_is_used(
    fn: Path, isthmus: Isthmus
) -> None:
    ran = isthmus("invoke", "fn", "--event", event("read"), "--json", plugins=PLUGINS)
    assert json.loads(ran.out)["problem"]["message"] == (
        "fs.readFile can't be used: a function has no files, sockets or processes"
    )


def test_a_bundle_is_one_file_that_runs_anywhere(fn: Path, isthmus: Isthmus, tmp_path: Path) -> None:
    for options in ((), ("--minify",)):
        ran = isthmus("bundle", "fn", "--out", "one.js", *options, plugins=PLUGINS)
        assert ran.status == 0
        assert ran.out == ""
        assert ran.err.startswith("fn/src/index.ts: 4 files and 1 packages (words), ")
        ran = isthmus("invoke", "one.js", "--event", event(), "--json", plugins=PLUGINS)
        assert json.loads(ran.out)["value"] == ["orderPlaced", 2, 19]
        ran = isthmus("invoke", "one.js", "--event", event(total=11), "--json", plugins=PLUGINS)
        assert stack_of(ran.out)[0] == "    at check (fn/src/limits/check.ts:3"


def test_it_is_bundled_again_when_something_it_was_made_of_changes(
    fn: Path, isthmus: Isthmus, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds: list[str] = []
    build = _bundles._build

    def counted(*arguments: object) -> object:
        builds.append("built")
        return build(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_bundles, "_build", counted)

    def value() -> object:
        ran = isthmus("invoke", "fn", "--event", event(), "--json", plugins=PLUGINS)
        return json.loads(ran.out)["value"]

    assert [value(), value()] == [["orderPlaced", 2, 19]] * 2
    assert len(builds) == 1
    (fn / "src/table.json").write_text('{"tax": 7}')
    assert value() == ["orderPlaced", 2, 7]
    (fn / "src/limits/index.ts").write_text("export const check = (total: number) => {};\n")
    value()
    (fn / "package-lock.json").write_text("{}")
    value()
    assert len(builds) == 4
    for kept in (fn.parent / "bundles").iterdir():
        kept.write_bytes(b"\x93broken")
    value()
    assert len(builds) == 5


SCRIPT = """const { camel } = require('words')
async function onTrack(event) { return camel(event.event) }
onPage = async () => 'page'
"""


def test_a_script_with_require_needs_no_exports(fn: Path, isthmus: Isthmus) -> None:
    (fn / "src/index.ts").write_text(SCRIPT)
    ran = isthmus("invoke", "fn", "--event", event(), "--json", plugins=PLUGINS)
    assert json.loads(ran.out)["value"] == "orderPlaced"
    assert "onTrack, onPage" in isthmus("check", "fn", plugins=PLUGINS).out


REFUSED = {
    "a package that is not there": ("import x from 'nope'\nexport const onTrack = x", 'Could not resolve "nope"; are the function\'s packages installed', 1),
    "a file that is not there": ("\nimport x from './nope'\nexport const onTrack = x", 'Could not resolve "./nope"', 2),
    "no syntax": ("export const onTrack = () => {\n  const const x\n}", "Expected identifier", 2),
    "a throw": ("export const onTrack = 1\n\n\nthrow new TypeError('no')", "TypeError: no", 4),
    "no handler": ("export const onTruck = () => 'onTrack'", "the module exports no handler", None),
}  # fmt: skip


@pytest.mark.parametrize(("code", "message", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_load_is_shown_in_the_authors_file(
    fn: Path, isthmus: Isthmus, code: str, message: str, line: int | None
) -> None:
    (fn / "src/index.ts").write_text(code)
    ran = isthmus("check", "fn", plugins=PLUGINS)
    assert ran.status == 3
    assert message in ran.err
    if line is not None:
        assert f"fn/src/index.ts:{line}:" in ran.err
        assert f"> {line:4} | {code.splitlines()[line - 1]}" in ran.err


def test_without_esbuild_an_error_says_how_to_get_it(
    fn: Path, isthmus: Isthmus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(fn))
    ran = isthmus("check", "fn", plugins=PLUGINS)
    assert ran.status == 3
    assert "npm install --save-dev esbuild in that directory" in ran.err


def test_a_wrong_call_of_bundle_is_told_in_a_sentence(fn: Path, isthmus: Isthmus) -> None:
    assert "there is no file or directory 'nope'" in isthmus("bundle", "nope", plugins=PLUGINS).err
    (fn / "function.toml").unlink()
    assert "has no function.toml" in isthmus("bundle", "fn", plugins=PLUGINS).err
    (fn / "function.toml").write_text('code = "gone.ts"')
    assert "names the code 'gone.ts'" in isthmus("bundle", "fn", plugins=PLUGINS).err


def test_npx_brings_esbuild_where_it_is_not_installed(
    isthmus: Isthmus, fn: Path, esbuild: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "node").symlink_to(str(shutil.which("node")))
    for name in ("sh", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    npx = tools / "npx"
    npx.write_text(
        f'#!/bin/sh\ntest "$1 $2" = "--yes esbuild@{VERSION}" || exit 3\nshift 2\nexec "{esbuild}/esbuild" "$@"\n'
    )
    npx.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    ran = isthmus("bundle", "fn", plugins=PLUGINS)
    assert ran.status == 0, ran.err
    assert f"npx runs esbuild@{VERSION}" in ran.err
    assert "onTrack" in ran.out


@pytest.mark.slow
def test_npx_does_so_with_nothing_in_npms_cache(
    isthmus: Isthmus, fn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(str(NPM)).parent))  # without esbuild
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    if shutil.which("esbuild"):
        pytest.skip("esbuild is installed beside npm")
    ran = isthmus("bundle", "fn", plugins=PLUGINS)
    assert ran.status == 0, ran.err
    assert "onTrack" in ran.out

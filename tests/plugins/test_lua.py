"""A runtime in a package of its own, with nothing of the engine but what is public."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from tests.plugins.isthmus_lua.isthmus_lua.runtime import LuaRuntime
from tests.plugins.lua_samples import LUA

import isthmus
from isthmus import Function, Kind, Limits
from isthmus.testing import RUNTIME_CHECKS, RuntimeSubject
from isthmus.testing.runtimes import KitHost

PACKAGE = Path(__file__).parent / "isthmus_lua"
ROOT = Path(__file__).parent.parent.parent
SUBJECT = RuntimeSubject(LuaRuntime, LUA, memory=32 * 1024 * 1024)


@pytest.mark.parametrize("name", RUNTIME_CHECKS)
async def test_it_keeps_every_promise(name: str) -> None:
    if reason := SUBJECT.reason_to_leave_out(name):
        pytest.skip(reason)
    async with SUBJECT.opened() as bench:
        await RUNTIME_CHECKS[name](bench)


def test_it_imports_what_is_public() -> None:
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
    ours = {name for name in imported if name.partition(".")[0].startswith("isthmus")}
    assert "isthmus.abc" in ours
    assert [name for name in ours if "._" in name] == []


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("function onTrack()\n  return {", 2, "unexpected symbol near <eof>"),
        ("x = 1\nx()", 2, "attempt to call a number"),
    ],
)
async def test_code_that_does_not_load_is_placed(code: str, line: int, message: str) -> None:
    function = Function(name="f", kind=Kind.DESTINATION, language="lua", code=code, file="f.lua")
    with pytest.raises(isthmus.LoadError) as caught:
        await LuaRuntime().load(function, Limits())
    assert (caught.value.file, caught.value.line) == ("f.lua", line)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("return function() end", "a function has no JSON form"),
        ("local t = {} t.t = t return t", "holds itself"),
        ("return 0/0", "not finite"),
    ],
)
async def test_what_has_no_json_form_is_said(code: str, note: str) -> None:
    subject = RuntimeSubject(LuaRuntime, {**LUA, "echo": f"function onTrack() {code} end"})
    async with subject.opened() as bench:
        ending = (await bench.reply("echo")).ending
    assert note in getattr(ending, "note", "")


async def test_a_pcall_does_not_outlive_a_limit() -> None:
    code = "function onTrack() while true do pcall(function() while true do end end) end end"
    subject = RuntimeSubject(LuaRuntime, {**LUA, "loop": code})
    async with subject.opened() as bench:
        assert getattr((await bench.reply("loop", cpu=0.1)).ending, "reason", "") == "cpu"


async def test_errors_have_the_author_s_lines() -> None:
    subject = RuntimeSubject(
        LuaRuntime, {**LUA, "fault": "local function f()\n  error('boom')\nend\nonTrack = function() f() end"}
    )
    async with subject.opened() as bench:
        ending = (await bench.reply("fault", host=KitHost())).ending
    assert "fault.sample:2: boom" in getattr(ending, "message", "")
    assert "fault.sample:4:" in getattr(ending, "stack", "")


def test_the_walk_through_shows_the_package_as_it_is() -> None:
    text = (ROOT / "runtimes" / "README.md").read_text()
    section = text[text.index("\n## Your own") + 1 :].partition("\n## ")[0]
    blocks = re.findall(r"```(?:python|toml|lua)\n(.*?)```", section, re.DOTALL)
    assert len(blocks) >= 4
    sources = [path.read_text() for path in PACKAGE.rglob("*") if path.suffix in {".py", ".toml", ".lua"}]
    sources += [Path(__file__).read_text(), (Path(__file__).parent / "lua_samples.py").read_text()]
    for block in blocks:
        assert any(_plain(block) in _plain(source) for source in sources), block


def _plain(code: str) -> str:
    """Code without its layout, which differs where a part is shown by itself."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())


@pytest.mark.slow
def test_it_is_installed_and_found_by_its_entry_point(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    # What it depends on is there already; the package itself is built and installed as from anywhere.
    ours = sysconfig.get_path("purelib")
    site = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(python), *argv], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )

    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    done = run("-m", "pip", "install", *options, "--target", str(site), str(PACKAGE))
    assert done.returncode == 0, done.stderr
    listed = run("-m", "isthmus", "plugins")
    assert "runtime lua" in listed.stdout, listed.stdout + listed.stderr
    assert "isthmus-lua 0.1.0" in listed.stdout
    (tmp_path / "f.lua").write_text(
        "function onTrack(event) print('hello') return { user = event.userId } end"
    )
    ran = run("-m", "isthmus", "invoke", "f.lua", "--event", '{"type":"track","userId":"u1"}', "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["value"] == {"user": "u1"}
    assert sys.prefix not in run("-c", "import isthmus_lua; print(isthmus_lua.__file__)").stdout

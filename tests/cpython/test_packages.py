"""Packages of functions: how they are asked for, what is refused, where they are installed and who can import them."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
import trio
from tests.cpython.wheels import repacked, wheel
from tests.python import LEVELS, open_functions, value_of

from isthmus import Function, Kind, Limits, LoadError
from isthmus.errors import EngineError
from isthmus_cpython import CPythonRuntime, with_requirements
from isthmus_cpython._requirements import requirements_of

INSTALLERS = ("uv", "pip")
ASKS = """
# /// script
# dependencies = ["greeting"]
# ///
import greeting
def on_track(event, settings):
    return [greeting.hello(), greeting.__file__]
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of wheels, the only place that installers look in."""
    directory = tmp_path / "shelf"
    directory.mkdir()
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(directory))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    wheel(
        directory, "greeting", "1.0", {"greeting/__init__.py": "import json\ndef hello(): return 'hello'\n"}
    )
    return directory


@pytest.fixture(params=INSTALLERS)
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two."""
    known = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if request.param == "uv" and known is None:
        pytest.skip("uv is not there")
    where = known if request.param == "uv" else None
    monkeypatch.setattr("isthmus_cpython._installer.shutil.which", lambda _: where)
    return str(request.param)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where packages are kept."""
    return tmp_path / "cache"


def kept_in(cache: Path) -> list[Path]:
    """What is in it."""
    return sorted(cache.iterdir())


async def load(code: str, cache: Path, **options: str) -> None:
    runtime = CPythonRuntime(require_isolation="process", ready=0, cache=cache, **options)  # type: ignore[arg-type]
    function = Function(name="f", kind=Kind.DESTINATION, language="python", code=code, file="f.py")
    program = await runtime.load(function, Limits())
    await program.aclose()


@pytest.mark.usefixtures("shelf")
async def test_a_package_is_imported_from_a_directory_that_nobody_writes_to(
    installer: str, cache: Path
) -> None:
    async with open_functions(cache=cache) as functions:
        assert value_of(await functions.outcome(ASKS))[0] == "hello", installer
    (kept,) = kept_in(cache)
    everything = [kept, *kept.rglob("*")]
    assert [path for path in everything if path.lstat().st_mode & 0o222] == []
    assert list((kept / "greeting" / "__pycache__").iterdir())


@pytest.mark.parametrize("level", LEVELS)
async def test_c_extensions_work_at_every_level(level: str, shelf: Path, cache: Path) -> None:
    repacked(shelf, "msgspec")
    asked = with_requirements(
        "import msgspec\nprint(msgspec.__file__)\n"
        "def on_track(event, settings): return msgspec.json.encode({'a': [1]}).decode()",
        "msgspec >= 0.19\n",
    )
    async with open_functions(level, cache=cache) as functions:
        assert value_of(await functions.outcome(asked)) == '{"a":[1]}'


@pytest.mark.usefixtures("shelf")
async def test_a_package_is_there_for_who_asks_for_it_and_for_nobody_else(cache: Path) -> None:
    async with open_functions(cache=cache) as functions:
        assert value_of(await functions.outcome(ASKS))[0] == "hello"
        with pytest.raises(LoadError, match="No module named 'greeting'"):
            await functions.load("import greeting")
        looks = """
        import os
        def seen(path):
            try:
                return os.listdir(path)
            except OSError:
                return []
        def on_track(event, settings):
            return seen("/packages") + seen(event["kept"])
        """
        kept = kept_in(cache)[0] / "greeting"
        assert value_of(await functions.outcome(looks, {"kept": str(kept)})) == []


async def test_no_package_is_imported_outside_of_a_confined_process(shelf: Path, cache: Path) -> None:
    """Not by the zygote, for which modules of the standard library come first, and none but those come at all."""
    evil = "import os\nWHO = [os.getpid(), os.getppid()]\n"
    names = ("json", "asyncio", "_sqlite3", "sqlite3", "greedy", "isthmus_guest")
    wheel(shelf, "greedy", "1", {f"{name}.py": evil for name in names})
    code = """
# /// script
# dependencies = ["greedy"]
# ///
import asyncio, json, sqlite3, greedy, isthmus_guest
def on_track(event, settings):
    return [hasattr(module, "WHO") for module in (asyncio, json, sqlite3, isthmus_guest)] + [greedy.WHO]
"""
    async with open_functions(cache=cache) as functions:
        instance = await functions.load(code)
        found = [value_of(await functions.engine.invoke(instance, {"type": "track"})) for _ in range(2)]
    assert [each[:4] for each in found] == [[False] * 4] * 2
    assert found[0][4] != found[1][4]


@pytest.mark.usefixtures("shelf")
async def test_what_was_installed_once_is_found_by_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(load, ASKS, cache)  # a runtime each, as several processes have
    (kept,) = kept_in(cache)

    async def nothing(*_: object, **__: object) -> None:
        raise AssertionError("it was there")

    monkeypatch.setattr("isthmus_cpython._packages.install", nothing)
    await load(ASKS, cache)
    await load(ASKS.replace("import json", ""), cache)
    assert kept_in(cache) == [kept]


@pytest.mark.usefixtures("shelf")
async def test_an_installation_that_fails_says_what_the_installer_said_and_where(
    installer: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.setenv(name, "http://somebody:hid@den@127.0.0.1:9/simple")
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name)
    for name in ("PIP_RETRIES", "UV_HTTP_RETRIES", "PIP_DEFAULT_TIMEOUT"):
        monkeypatch.setenv(name, "0" if "RETRIES" in name else "5")
    code = with_requirements("def on_track(event, settings): pass", "greeting\n\n# and\nmissing-thing==3\n")
    with pytest.raises(LoadError) as caught:
        await load(code, cache)
    said = str(caught.value)
    assert said.startswith("requirements.txt"), installer
    assert "its packages cannot be installed: " in said
    assert "missing-thing" in said or "greeting" in said
    assert "hid" not in said
    assert "den@" not in said
    assert len(said) < 1200
    assert kept_in(cache) == []


@pytest.mark.usefixtures("shelf")
async def test_a_requirement_that_nobody_has_is_named_with_its_line(installer: str, cache: Path) -> None:
    code = with_requirements("def on_track(event, settings): pass", "greeting\n\n# and\nmissing-thing==3\n")
    with pytest.raises(LoadError, match="missing-thing") as caught:
        await load(code, cache)
    assert (caught.value.file, caught.value.line) == ("requirements.txt", 4), installer


async def test_nothing_is_built_unless_the_operator_says_so(
    installer: str, shelf: Path, cache: Path, tmp_path: Path
) -> None:
    """A source distribution's own script would run on the host, unconfined."""
    built = tmp_path / "built"
    project = tmp_path / "sourced-1"
    project.mkdir()
    (project / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: sourced\nVersion: 1\n")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "sourced"\nversion = "1"\n'
    )
    (project / "backend.py").write_text(
        f"open({str(built)!r}, 'w')\n"
        "import zipfile\n"
        "def build_wheel(directory, config_settings=None, metadata_directory=None):\n"
        "    name = 'sourced-1-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(directory + '/' + name, 'w') as file:\n"
        "        file.writestr('sourced.py', 'x = 1')\n"
        "        file.writestr('sourced-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: sourced\\nVersion: 1\\n')\n"
        "        file.writestr('sourced-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
        "        file.writestr('sourced-1.dist-info/RECORD', 'sourced.py,,\\n')\n"
        "    return name\n"
    )
    with tarfile.open(shelf / "sourced-1.tar.gz", "w:gz") as archive:
        archive.add(project, "sourced-1")
    code = with_requirements("import sourced\ndef on_track(event, settings): pass", "sourced\n")
    with pytest.raises(LoadError, match="sourced"):
        await load(code, cache)
    assert not built.exists()
    if installer == "uv":  # the quicker of the two
        await load(code, cache, packages="builds")
        assert built.exists()


@pytest.mark.usefixtures("shelf")
async def test_an_operator_may_allow_none_or_none_from_the_network(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineError, match="the operator of this engine allows none"):
        await load(ASKS, cache, packages="none")
    await load("def on_track(event, settings): pass", cache, packages="none")
    with pytest.raises(
        EngineError, match="packages is one of 'none', 'offline', 'wheels', 'builds', not 'all'"
    ):
        CPythonRuntime(packages="all")
    asked: list[bool] = []

    def command(*_: object, offline: bool, **__: object) -> list[str]:
        asked.append(offline)
        return ["false"]

    monkeypatch.setattr("isthmus_cpython._installer._command", command)
    for policy in ("offline", "wheels"):
        with pytest.raises(LoadError):
            await load(ASKS, cache, packages=policy)
    assert asked == [True, False]


@pytest.mark.skipif(sys.platform != "linux", reason="it watches processes by their descriptors")
async def test_an_installation_that_nobody_waits_for_is_ended_with_all_it_has_started(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    script = f"sleep 1000 & echo $! $$ > {told}.part; mv {told}.part {told}; wait"
    monkeypatch.setattr("isthmus_cpython._installer._command", lambda *_, **__: ["sh", "-c", script])
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load, ASKS, cache)
            while not await trio.Path(told).exists():  # noqa: ASYNC110 -- another process sets no event
                await trio.sleep(0.01)
            watched = [os.pidfd_open(int(number)) for number in (await trio.Path(told).read_text()).split()]
            nursery.cancel_scope.cancel()
        for file in watched:
            await trio.lowlevel.wait_readable(file)  # it has ended
            os.close(file)
    assert kept_in(cache) == []


@pytest.mark.usefixtures("shelf")
async def test_what_nobody_has_finished_is_removed_in_the_end(cache: Path) -> None:
    old, new = cache / ".part-old", cache / ".part-new"
    for part in (old, new):
        os.makedirs(part / "deep", 0o700)
        os.chmod(part / "deep", 0o500)
    os.utime(old, (0, 0))
    await load(ASKS, cache)
    assert old not in kept_in(cache)
    assert new in kept_in(cache)


async def test_a_user_without_a_home_runs_functions_without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("isthmus_cpython._packages.cache_directory", homeless)
    runtime = CPythonRuntime(require_isolation="process", ready=0)
    for code, works in (("def on_track(event, settings): pass", True), (ASKS, False)):
        function = Function(name="f", kind=Kind.DESTINATION, language="python", code=code)
        if works:
            await (await runtime.load(function, Limits())).aclose()
        else:
            with pytest.raises(EngineError, match="ISTHMUS_CACHE may name one"):
                await runtime.load(function, Limits())


async def test_a_cache_that_others_may_write_to_is_not_used(cache: Path) -> None:
    os.mkdir(cache)
    os.chmod(cache, 0o777)
    with pytest.raises(EngineError, match=r"packages cannot be kept in .+: others may write to it"):
        await load(ASKS, cache)


@pytest.mark.usefixtures("shelf")
async def test_what_others_could_have_put_there_is_not_used(cache: Path) -> None:
    await load(ASKS, cache)
    os.chmod(cache, 0o777)
    with pytest.raises(EngineError, match=r"packages cannot be kept in .+: others may write to it"):
        await load(ASKS, cache)


async def test_what_lies_in_the_directory_of_this_process_is_not_heeded(
    installer: str, shelf: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the author's: a module that stands in for pip's, and where uv would look for packages."""
    ran = tmp_path / "ran"
    here, other = tmp_path / "here", tmp_path / "other"
    for directory in (here, other):
        directory.mkdir()
    (here / "pip.py").write_text(f"open({str(ran)!r}, 'w')\n")
    (here / "uv.toml").write_text(f'find-links = ["{other}"]\n')
    wheel(other, "greeting", "2.0", {"greeting/__init__.py": "def hello(): return 'another'\n"})
    monkeypatch.chdir(here)
    if installer == "uv":  # what a variable says goes before a file, so here a file of the operator's says it
        monkeypatch.delenv("UV_FIND_LINKS")
        configured = tmp_path / "home" / "uv"
        configured.mkdir(parents=True)
        (configured / "uv.toml").write_text(f'find-links = ["{shelf}"]\n')
        monkeypatch.setenv("XDG_CONFIG_HOME", str(configured.parent))
    async with open_functions(cache=cache) as functions:
        assert value_of(await functions.outcome(ASKS))[0] == "hello", installer
    assert not ran.exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("-r /etc/passwd", "options of an installer"),
        ("--index-url https://evil.example/simple", "options of an installer"),
        ("--extra-index-url=https://evil.example", "options of an installer"),
        ("-e .", "options of an installer"),
        ("greeting --config-settings=a=b", "options of an installer"),
        ("./greeting", "Expected package name"),
        ("/etc", "Expected package name"),
        ("../greeting-1.0.whl", "Expected package name"),
        ("git+https://evil.example/x.git", ""),
        ("https://evil.example/x.whl", ""),
        ("greeting @ file:///etc/passwd", "and not from a URL"),
        ("greeting @ http://169.254.169.254/x.whl", "and not from a URL"),
        ("greeting==1.0 --hash=md5:abc", "options of an installer"),
        ("greeting===${HIDDEN}", "variables of an environment"),
        ("greeting; python_version < '${HIDDEN}'", "variables of an environment"),
        ("greeting==", ""),
        ("///", ""),
        (f"greeting; python_version > '{'3' * 1000}'", "more than 1000 characters"),
    ],
)
def test_what_an_author_may_not_ask_for(line: str, why: str) -> None:
    with pytest.raises(LoadError, match="is no requirement that can be installed") as caught:
        requirements_of(with_requirements("", f"# first\n\n{line}\n"), "f.py")
    assert (caught.value.file, caught.value.line) == ("requirements.txt", 3)
    assert why in caught.value.message


def test_requirements_are_read_as_they_are_written() -> None:
    text = """
    # a comment
    Greeting[extra] >= 1.0, < 2 ; python_version > "3"   # another
    pinned==1 \\
      --hash=sha256:{} \\
      --hash=sha256:{}
    """.format("0" * 64, "1" * 64)
    found = requirements_of(with_requirements('x = """a "quoted" \\ text"""', text), "f.py")
    assert found.lines == (
        'Greeting[extra]<2,>=1.0; python_version > "3"',
        f"pinned==1 --hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}",
    )
    assert found.places == {"Greeting": 3, "pinned": 4}
    inline = requirements_of(
        'x = 1\n# /// script\n# dependencies = [\n#   "a>1",\n#   "b",\n# ]\n# ///\n', "f.py"
    )
    assert (inline.lines, inline.places, inline.file) == (("a>1", "b"), {"a": 4, "b": 5}, "f.py")
    assert requirements_of("x = '# /// script'", "f.py").lines == ()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("# /// script\n# dependencies = [\n# ///\n", "the script block is no TOML"),
        (
            f"# /// script\n# a = {'[' * 400}\n{('# ' + '[' * 400 + chr(10)) * 15}# ///\n",
            "the script block is no TOML",
        ),
        ("# /// script\n# dependencies = 5\n# ///\n", "dependencies in the script block is a list of texts"),
        ("# /// script\n# dependencies = []\nx = 1\n# ///\n", "the script block has no end"),
        ("# /// script\n# ///\n# /// script\n# ///\n", "more than one script block"),
        ("# /// script\n# ///\n# /// requirements\n# ///\n", "asks for packages in two blocks"),
        (f"# /// script\n# {'a.' * 300}a = 1\n# ///\n", "a line of more than 500 characters"),
        (f"# /// script\n{('# x = 1' + chr(10)) * 3000}# ///\n", "has more than 8192 characters"),
        (f"# /// requirements\n{('# x==1' + chr(10)) * 20_000}# ///\n", "has more than 65536 characters"),
        (
            f"# /// script\n# dependencies = [\n{('# ' + repr('a') + ',' + chr(10)) * 201}# ]\n# ///\n",
            "more than 200 requirements",
        ),
        ("# /// script\n" * 100_000, "more than one script block"),
    ],
)
def test_a_script_block_that_is_none(code: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        requirements_of(code, "f.py")


def test_what_lies_beside_a_function_is_part_of_its_code(tmp_path: Path) -> None:
    runtime = CPythonRuntime(require_isolation="process")
    file = tmp_path / "function.py"
    file.write_text("def on_track(event, settings): pass\n")
    assert runtime.assemble(file, tmp_path) == file.read_bytes()
    (tmp_path / "requirements.txt").write_text("greeting>=1\n")
    assembled = runtime.assemble(file, tmp_path)
    assert isinstance(assembled, str)
    assert assembled.startswith(file.read_text())
    assert requirements_of(assembled, "f.py").lines == ("greeting>=1",)
    file.write_text(assembled)
    with pytest.raises(LoadError, match=r"requirements\.txt is there as well; use one"):
        runtime.assemble(file, tmp_path)

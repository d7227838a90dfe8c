"""Plugins: found, guarded, asked, reported."""

from __future__ import annotations

import importlib.metadata
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pluggy
import pytest
import trio

import isthmus
from isthmus import PluginInfo, hookspecs
from isthmus._plugins import Plugins
from isthmus.abc import Call, Fetcher, Host, Program, Reply, Runtime
from isthmus.hookspecs import hookimpl
from isthmus.testing import MockFetcher, ScriptedRuntime


def runtime_of(language: str) -> ScriptedRuntime:
    runtime = ScriptedRuntime({})
    runtime.language = language
    return runtime


def plugin(name: str, **hooks: Callable[..., Any]) -> types.ModuleType:
    module = types.ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return module


def refuse(request: object) -> Any:
    raise isthmus.FetchError("no")


def found(*plugins: object) -> Plugins:
    return Plugins(plugins, load_entry_points=False)


def test_every_hook_is_documented() -> None:
    manager = pluggy.PluginManager("isthmus")
    manager.add_hookspecs(hookspecs)
    names = [name for name in vars(hookspecs) if name.startswith("isthmus_")]
    assert sorted(names) == sorted(vars(manager.hook))
    for name in names:
        assert "Called once" in (getattr(hookspecs, name).__doc__ or ""), name


def test_a_plugin_offers_runtimes_and_a_fetcher() -> None:
    fetcher = MockFetcher(refuse)
    plugins = found(
        plugin(
            "both",
            isthmus_runtimes=lambda: [runtime_of("a"), runtime_of("b")],
            isthmus_fetcher=lambda: fetcher,
        ),
        ScriptedRuntime({}),
    )
    assert plugins.infos == (
        PluginInfo(name="both", offers=("runtime a", "runtime b", "fetcher")),
        PluginInfo(name="ScriptedRuntime", offers=("runtime scripted",)),
    )
    assert sorted(plugins.runtimes) == ["a", "b", "scripted"]
    assert plugins.fetcher is fetcher


def test_the_fetcher_of_the_plugin_registered_last_wins_and_no_other_is_asked_for() -> None:
    first, last = MockFetcher(refuse), MockFetcher(refuse)
    asked = []

    def offer() -> Fetcher:
        asked.append("first")
        return first

    plugins = found(
        plugin("first", isthmus_fetcher=offer),
        plugin("last", isthmus_fetcher=lambda: last),
        plugin("none", isthmus_fetcher=lambda: None),
    )
    assert plugins.fetcher is last
    assert asked == []
    assert [info.offers for info in plugins.infos] == [(), ("fetcher",), ()]


async def test_a_second_runtime_for_a_language_takes_the_functions_that_ask_for_its_isolation() -> None:
    first, second = runtime_of("x"), runtime_of("x")
    second.variant = "wasm"
    offers = plugin("both", isthmus_runtimes=lambda: [first, second])
    async with isthmus.open_engine(plugins=[offers], load_entry_points=False) as engine:
        assert engine.runtimes == {"x": first, "x+wasm": second}
        assert engine.plugins[0].offers == ("runtime x", "runtime x+wasm")

        def function(isolation: Any, language: str = "x") -> isthmus.Function:
            return isthmus.Function(
                name="f", kind=isthmus.Kind.INSERT, language=language, code="", isolation=isolation
            )

        assert engine.runtime_of(function("call")) is engine.runtime_of(function("instance")) is first
        assert engine.runtime_of(function("wasm")) is second
        with pytest.raises(
            isthmus.PluginError, match="'y' with the isolation 'wasm'; there is 'x', 'x\\+wasm'"
        ):
            engine.runtime_of(function("wasm", "y"))


def test_two_runtimes_for_one_language_are_an_error_that_names_both() -> None:
    with pytest.raises(isthmus.PluginError, match="'one' and 'two' both offer a runtime for 'x'"):
        found(
            plugin("one", isthmus_runtimes=lambda: [runtime_of("x")]),
            plugin("two", isthmus_runtimes=lambda: [runtime_of("x")]),
        )


def test_what_is_no_plugin_is_the_embedder_s_error() -> None:
    for nonsense in (object(), "isthmus_quickjs", types.ModuleType("empty")):
        with pytest.raises(isthmus.PluginError, match="has none"):
            found(nonsense)


def boom() -> Any:
    raise ZeroDivisionError("of all things")


def no_arguments() -> list[object]:
    return []


def lazily_boom() -> Iterable[Runtime]:
    yield runtime_of("half")
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("hooks", "error"),
    [
        ({"isthmus_runtimes": boom}, "isthmus_runtimes failed: ZeroDivisionError: of all things"),
        ({"isthmus_runtimes": lazily_boom}, "isthmus_runtimes failed: ZeroDivisionError"),
        ({"isthmus_runtimes": lambda: None}, "isthmus_runtimes failed: TypeError"),
        ({"isthmus_runtimes": lambda: ["js"]}, "gave 'js', not a Runtime"),
        ({"isthmus_fetcher": boom}, "isthmus_fetcher failed: ZeroDivisionError"),
        ({"isthmus_fetcher": lambda: 7}, "gave 7, not a Fetcher"),
        ({"isthmus_runtimes": lambda surprise: []}, "surprise"),
        ({"isthmus_sources": no_arguments}, "there is no hook isthmus_sources"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_others_serve(
    hooks: dict[str, Callable[..., Any]], error: str, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = found(
        ScriptedRuntime({}),
        plugin("broken", **hooks),
    )
    good, broken = plugins.infos
    assert (good.offers, good.error) == (("runtime scripted",), "")
    assert broken.offers == ()
    assert error in broken.error
    assert error in caplog.text
    assert list(plugins.runtimes) == ["scripted"]
    assert plugins.fetcher is None


def test_a_plugin_whose_fetcher_fails_offers_no_runtime_either() -> None:
    plugins = found(plugin("half", isthmus_runtimes=lambda: [runtime_of("x")], isthmus_fetcher=boom))
    assert (plugins.infos[0].offers, dict(plugins.runtimes)) == ((), {})


def test_a_plugin_whose_runtimes_fail_is_not_asked_for_a_fetcher() -> None:
    plugins = found(plugin("half", isthmus_runtimes=boom, isthmus_fetcher=lambda: MockFetcher(refuse)))
    assert (plugins.infos[0].offers, plugins.fetcher) == ((), None)


def test_a_plugin_with_a_property_that_raises_serves_or_is_reported() -> None:  # by version of pluggy
    class Prickly:
        @hookimpl
        def isthmus_fetcher(self) -> Fetcher:
            return MockFetcher(refuse)

        @property
        def state(self) -> str:
            raise ZeroDivisionError("not yet")

    plugins = found(Prickly())
    (info,) = plugins.infos
    assert (info.offers, info.error) in ((("fetcher",), ""), ((), "ZeroDivisionError: not yet"))
    assert (plugins.fetcher is None) == bool(info.error)


def test_a_hook_of_a_later_version_does_not_cost_the_known_ones() -> None:
    plugins = found(plugin("newer", isthmus_runtimes=lambda: [runtime_of("x")], isthmus_oracles=no_arguments))
    (info,) = plugins.infos
    assert info.offers == ("runtime x",)
    assert "there is no hook isthmus_oracles" in info.error


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (">=0.1", ""),
        (">=99,<100", "it asks for isthmus >=99,<100, and this is "),
        ("soon", "its isthmus_requires is no specifier of versions such as '>=1.2', but 'soon'"),
        (7, "its isthmus_requires is no specifier of versions such as '>=1.2', but 7"),
    ],
)
def test_a_plugin_for_another_engine_is_left_out_and_named(
    wanted: object, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    asking = plugin("asking", isthmus_runtimes=lambda: [runtime_of("x")])
    asking.isthmus_requires = wanted  # type: ignore[attr-defined] # a module takes any
    plugins = found(asking, ScriptedRuntime({}))
    assert plugins.infos[0].error.startswith(error)
    assert bool(plugins.infos[0].error) == bool(error)
    assert sorted(plugins.runtimes) == (["scripted"] if error else ["scripted", "x"])
    assert ("plugin 'asking' is left out" in caplog.text) == bool(error)


async def test_a_runtime_that_misbehaves_costs_its_own_calls_alone() -> None:
    class Faulty(Runtime):
        language = "faulty"

        async def load(self, function: isthmus.Function, limits: isthmus.Limits) -> Program:
            await trio.lowlevel.checkpoint()
            if function.code == "raises":
                raise ZeroDivisionError
            return None if function.code == "none" else FaultyProgram()  # type: ignore[return-value] # that is the fault

        async def aclose(self) -> None:
            raise ZeroDivisionError

    class FaultyProgram(Program):
        handlers = frozenset({"onTrack"})

        async def run(self, call: Call, host: Host) -> Reply:
            await trio.lowlevel.checkpoint()
            return 7  # type: ignore[return-value] # likewise

        async def aclose(self) -> None:
            raise ZeroDivisionError

    good = ScriptedRuntime({"onTrack": lambda event, *_: "fine"})
    broken = plugin("broken", isthmus_runtimes=lambda: [Faulty()])
    async with isthmus.open_engine(plugins=[broken, good], load_entry_points=False) as engine:

        def function(language: str, code: str) -> isthmus.Function:
            return isthmus.Function(
                name=language, kind=isthmus.Kind.DESTINATION, language=language, code=code
            )

        for code in ("raises", "none"):
            with pytest.raises(isthmus.RuntimeFault, match="the runtime of faulty failed to load"):
                await engine.load(function("faulty", code))
        faulty = await engine.load(function("faulty", ""))
        outcome = await engine.invoke(faulty, {"type": "track"})
        assert (outcome.status, outcome.problem and outcome.problem.name) == ("retry", "RuntimeFault")
        fine = await engine.load(function("scripted", ""))
        assert (await engine.invoke(fine, {"type": "track"})).status == "delivered"


def test_a_hook_cannot_be_wrapped() -> None:
    module = types.ModuleType("wrapping")

    @hookimpl(wrapper=True)
    def isthmus_runtimes() -> Any:
        return (yield)

    module.isthmus_runtimes = isthmus_runtimes  # type: ignore[attr-defined]
    plugins = found(module, ScriptedRuntime({}))
    assert "wrapped" in plugins.infos[0].error
    assert list(plugins.runtimes) == ["scripted"]


def test_plugins_of_one_name_are_told_apart_and_one_given_twice_counts_once() -> None:
    one, two = runtime_of("x"), runtime_of("y")
    plugins = found(one, two, one)
    assert [info.name for info in plugins.infos] == ["ScriptedRuntime", "ScriptedRuntime-2"]


# ---------------------------------------------------------------- entry points


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Puts a distribution with one entry point and its module on the path."""

    def install(name: str, module: str, code: str) -> None:
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[isthmus]\n{module} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    real: Callable[..., importlib.metadata.EntryPoints] = importlib.metadata.entry_points
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda **only: [
            point
            for point in real(**only)
            if point.dist is not None and point.dist.name.startswith("fixture-")
        ],
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return install


GOOD = """
from isthmus.hookspecs import hookimpl
from isthmus.testing import ScriptedRuntime

@hookimpl
def isthmus_runtimes():
    return [ScriptedRuntime({})]
"""


async def test_installed_plugins_are_found_each_in_its_own_guard(
    installed: Callable[[str, str, str], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    installed("fixture-good", "fixture_good", GOOD)
    installed("fixture-broken", "fixture_broken", "import no_such_module")
    installed("fixture-exits", "fixture_exits", "raise SystemExit(3)")
    installed("fixture-empty", "fixture_empty", "")
    (tmp_path / "fixture_empty-1.2.dist-info" / "entry_points.txt").write_text(
        "[isthmus]\nfixture_good = fixture_empty\n"
    )
    async with isthmus.open_engine() as engine:
        infos = {info.distribution: info for info in engine.plugins}
        assert list(engine.runtimes) == ["scripted"]
    assert infos["fixture-good"] == PluginInfo(
        name="fixture_good", version="1.2", distribution="fixture-good", offers=("runtime scripted",)
    )
    assert "No module named 'no_such_module'" in infos["fixture-broken"].error
    assert "SystemExit" in infos["fixture-exits"].error
    assert infos["fixture-empty"].error == "it implements no hook"
    assert "fixture_broken" in caplog.text


async def test_entry_points_are_left_alone_where_the_embedder_says_so(
    installed: Callable[[str, str, str], None],
) -> None:
    installed("fixture-broken", "fixture_broken", "raise AssertionError('imported')")
    async with isthmus.open_engine(load_entry_points=False) as engine:
        assert (engine.plugins, dict(engine.runtimes)) == ((), {})


async def test_an_installed_plugin_may_be_handed_in_as_well(
    installed: Callable[[str, str, str], None],
) -> None:
    installed("fixture-good", "fixture_good", GOOD)
    installed(
        "fixture-again", "fixture_again", "import sys, fixture_good; sys.modules[__name__] = fixture_good"
    )
    module = importlib.import_module("fixture_good")
    async with isthmus.open_engine(plugins=[module]) as engine:
        assert sorted(info.name for info in engine.plugins) == ["fixture_again", "fixture_good"]
        assert sorted(info.error for info in engine.plugins) == [
            "",
            "another entry point names the same plugin",
        ]
        assert "fixture_good" in sys.modules

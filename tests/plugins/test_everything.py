"""A package that offers one of everything, found by its entry point; and others that are broken, each in another way."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy
import trio
from tests.ingress.processes import Served, client, serving, write_pipeline
from tests.plugins.isthmus_parrot import isthmus_parrot as parrot

import isthmus
from isthmus import hookimpl, hookspecs
from isthmus.serverroutes import ServerRoute, ServiceView, offered_routes
from isthmus_server.added import added_routes
from isthmus_server.store import KeyRing, new_key, open_store

PACKAGE = Path(__file__).parent / "isthmus_parrot"

BROKEN = {
    "broken_import": ("import no_such_module", "broken_import does not load: ModuleNotFoundError"),
    "broken_exit": ("raise SystemExit(3)", "broken_exit does not load: SystemExit"),
    "broken_empty": ("", "it implements no hook"),
    "broken_later": (
        "from isthmus import hookimpl\nisthmus_requires = '>=99'\n@hookimpl\ndef isthmus_runtimes(): return []",
        "it asks for isthmus >=99, and this is",
    ),
    **{
        f"broken_{hook.removeprefix('isthmus_')}": (
            f"from isthmus import hookimpl\n@hookimpl\ndef {hook}(): return 7",
            f"{hook} failed: ",
        )
        for hook in hookspecs.__all__
        if hook.startswith("isthmus_")
        # Of fetchers the last one is asked, and none after it.
        and hook != "isthmus_fetcher"
    },
}
"""Plugins by the name of their entry points: their code, and what is said of them."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the package and the broken ones, as an installer leaves them."""
    place = tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE / "isthmus_parrot", place / "isthmus_parrot")
    _register(place, "isthmus-parrot", "0.1.0", "parrot = isthmus_parrot\nparrot_again = isthmus_parrot")
    for name, (code, _) in BROKEN.items():
        (place / f"{name}.py").write_text(code)
        _register(place, f"zz-{name.replace('_', '-')}", "1.0", f"{name} = {name}")
    return place


def _register(place: Path, name: str, version: str, entry: str) -> None:
    info = place / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[isthmus]\n{entry}\n")


@pytest.fixture(scope="module")
def run(site: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*argv: str, cwd: Path = site) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "isthmus", *argv],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(site), "COLUMNS": "400"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_it_implements_every_hook_with_nothing_but_what_is_public() -> None:
    offered = {name for name in dir(parrot) if name.startswith("isthmus_") and name != "isthmus_requires"}
    assert offered == {name for name in hookspecs.__all__ if name.startswith("isthmus_")}
    imported = {
        node.module or ""
        for node in ast.walk(ast.parse((PACKAGE / "isthmus_parrot" / "__init__.py").read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    assert "isthmus.abc" in imported
    assert [name for name in imported if "._" in name] == []


def test_all_that_it_offers_is_listed_and_each_broken_plugin_is_named(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    told = run("plugins", "--verbose")
    assert told.returncode == 1, told.stderr
    rows = {row.split()[0]: row for row in told.stdout.splitlines() if "isthmus-parrot 0.1.0" in row}
    offers = {
        "runtime parrot",
        "capability parrot.shout",
        "observer",
        "command squawk",
        "templates parrot",
        "queue parrot",
        "store parrot",
        "server route parrot",
        "server route cage",
    }
    assert offers <= {each.strip() for each in re.split(r",|  ", rows["parrot"])}
    problems = dict(
        line.split(": ", 1) for line in told.stdout.splitlines() if re.match(r"(broken|parrot)_\w+: ", line)
    )
    assert problems.pop("parrot_again") == "another entry point names the same plugin"
    assert problems.keys() == BROKEN.keys()
    assert {name: said for name, said in problems.items() if BROKEN[name][1] not in said} == {}
    assert "runtime javascript" in told.stdout  # the others go on


def test_its_command_its_template_and_its_runtime_work_beside_the_broken_ones(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    assert run("squawk", "hello").stdout == "hello hello\n"
    made = run("new", "destination", "bird", "--language", "parrot", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    ran = run("invoke", "bird", "--event", '{"type":"track","userId":"u"}', "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["value"] == {"said": "polly", "event": {"type": "track", "userId": "u"}}
    sent = run("queue", "parrot:", cwd=tmp_path)
    assert sent.returncode == 0, sent.stderr


async def test_its_fetcher_its_capability_and_its_observer_are_asked() -> None:
    parrot.ended.clear()
    async with isthmus.open_engine(plugins=[parrot], load_entry_points=False) as engine:
        said = {}
        for code in ("fetch", "ask"):
            function = isthmus.Function(
                name=code,
                kind=isthmus.Kind.DESTINATION,
                language="parrot",
                code=code,
                capabilities=("parrot.shout",),
            )
            outcome = await engine.invoke(await engine.load(function), {"type": "track", "event": "seen"})
            said[code] = msgspec.json.decode(outcome.value or b"null")["said"]
    assert said == {"fetch": "GET", "ask": "SEEN"}
    assert parrot.ended == {"delivered": 2}


async def test_its_database_holds_a_store(tmp_path: Path) -> None:
    url = f"parrot://{tmp_path}/parrot.db"
    keys = KeyRing.from_text(new_key())
    for _ in range(2):
        async with open_store(url, keys=keys, plugins=[parrot], workspace="Birds") as store:
            assert (await store.snapshot()).workspace.name == "Birds"
    assert (tmp_path / "parrot.db").stat().st_size > 0


class Other:
    """Offers a database under a scheme of the parrot's."""

    def __init__(self, connect: Callable[[str], Any], scheme: str = "parrot") -> None:
        self._offered = {scheme: connect}

    @hookimpl
    def isthmus_stores(self) -> Any:
        return self._offered


def refusing(url: str) -> Any:
    raise ZeroDivisionError(url)


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        ([parrot, Other(parrot.connect)], "both offer the store 'parrot'; remove one"),
        ([Other(refusing)], "the plugin 'Other' cannot open its store: ZeroDivisionError$"),
        (
            [Other(lambda url: 7)],
            "the plugin 'Other' has to be an engine of SQLAlchemy on SQLite or PostgreSQL",
        ),
        (
            [Other(parrot.connect, "mine")],
            "a store is in a directory, sqlite: or postgresql:, not in 'parrot'",
        ),
    ],
    ids=["two of a scheme", "one that raises", "one that gives nonsense", "none"],
)
async def test_a_store_that_is_not_to_be_had_says_whose_it_is(plugins: list[Any], message: str) -> None:
    with pytest.raises(isthmus.EngineError, match=message):
        async with open_store("parrot://secret@nowhere", keys=KeyRing.from_text(new_key()), plugins=plugins):
            pass


# ---------------------------------------------------------------- routes of the service


@pytest.fixture
def served(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PYTHONPATH", str(site))
    write_pipeline(tmp_path)
    with serving(tmp_path) as served:
        yield served


def test_its_routes_are_served_and_one_that_fails_ends_its_request_alone(served: Served) -> None:
    with client(served) as public, httpx.Client(base_url=served.operations, timeout=60) as private:
        taken = public.post("/plugins/parrot/", content="Squawked")
        assert taken.status_code == 202, served.log()
        assert taken.headers["x-parrot"] == "hello"
        failed = public.post("/plugins/parrot/", content="")
        assert (failed.status_code, failed.json()) == (500, {"success": False, "error": "internal"})
        assert public.get("/plugins/cage/").status_code == 404  # it is for operators
        assert private.get("/plugins/parrot/").status_code == 404
        assert re.fullmatch(r"\d+ instances, [1-9]\d* events", private.get("/plugins/cage/").text)
        assert public.post("/v1/track", json={"event": "Still here", "userId": "u"}).status_code == 200
    assert "the server route 'parrot' of the plugin 'parrot' failed: ZeroDivisionError" in served.log()
    assert "must not be logged" not in served.log()
    assert "plugin 'broken_server_routes' is left out" in served.log()


def route(name: str, make: Callable[[ServiceView], Any]) -> object:
    class Routing:
        @hookimpl
        def isthmus_server_routes(self) -> Any:
            return [ServerRoute(name=name, make=make, public=True)]

    return Routing()


async def test_routes_of_one_name_and_one_that_cannot_be_made_are_left_out_by_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def accept(source: str, events: Any) -> list[str]:
        await trio.lowlevel.checkpoint()
        return []

    def boom(view: ServiceView) -> Any:
        raise ZeroDivisionError("a word that must not be logged")

    plugins = [route("twice", boom), route("twice", boom), route("broken", boom), parrot]
    async with isthmus.open_engine(load_entry_points=False) as engine:
        view = ServiceView(engine=engine, accept=accept)
        offers = offered_routes(plugins, load_entry_points=False)
        made = added_routes(offers, view, public=True)
        assert [each.path for each in made] == ["/plugins/parrot"]  # type: ignore[attr-defined] # of a Mount
        assert [each.path for each in added_routes(offers, view, public=False)] == ["/plugins/cage"]  # type: ignore[attr-defined] # likewise
    assert "the plugins 'Routing' and 'Routing-2' both offer the server route 'twice'" in caplog.text
    assert "the plugin 'Routing-3' cannot make its server route 'broken': ZeroDivisionError" in caplog.text
    assert "must not be logged" not in caplog.text


@pytest.mark.parametrize("name", ["", "Parrot", "a/b", "../x", "1a"])
def test_a_route_has_a_name_of_letters(name: str) -> None:
    with pytest.raises(isthmus.EngineError, match="a route's name is lower-case letters"):
        ServerRoute(name=name, make=parrot.public_route)


# ---------------------------------------------------------------- what misbehaves while it runs


async def test_what_misbehaves_while_it_runs_costs_its_own_calls_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Misbehaving:
        @hookimpl
        def isthmus_observers(self) -> Any:
            def raising(seen: object) -> None:
                raise ZeroDivisionError

            return [raising]

        @hookimpl
        def isthmus_capabilities(self) -> Any:
            async def raising(event: parrot.Event) -> str:
                await trio.lowlevel.checkpoint()
                raise ZeroDivisionError("a word that must not reach the function")

            return {"parrot.shout": raising}

        @hookimpl
        def isthmus_fetcher(self) -> Any:
            class Raising(parrot.ParrotFetcher):
                async def fetch(self, *arguments: Any, **options: Any) -> Any:
                    await trio.lowlevel.checkpoint()
                    raise ZeroDivisionError("a word that must not reach the function")

            return Raising()

    class Quiet:
        isthmus_runtimes = staticmethod(parrot.isthmus_runtimes)

    async with isthmus.open_engine(plugins=[Quiet(), Misbehaving()], load_entry_points=False) as engine:
        ends = {}
        for code in ("fetch", "ask", "polly"):
            function = isthmus.Function(
                name=code,
                kind=isthmus.Kind.DESTINATION,
                language="parrot",
                code=code,
                capabilities=("parrot.shout",),
            )
            outcome = await engine.invoke(await engine.load(function), {"type": "track"})
            assert "must not reach" not in str(outcome)
            ends[code] = str(outcome.status)
        assert ends["polly"] == "delivered"
        assert ends.keys() == {"fetch", "ask", "polly"}
        assert set(list(ends.values())[:2]).isdisjoint({"delivered"})
    assert "ZeroDivisionError" in caplog.text


def test_sqlalchemy_is_what_a_store_is_made_of() -> None:
    assert isinstance(parrot.connect("parrot://:memory:"), sqlalchemy.Engine)

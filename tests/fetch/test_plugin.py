"""The package as a plugin."""

from __future__ import annotations

import subprocess
import sys

import pluggy
import pytest
import trio
from tests.servers import saying, serve

import isthmus
import isthmus.hookspecs
import isthmus_fetch
from isthmus.abc import Egress, Fetcher, FetchRequest
from isthmus.testing import ScriptedRuntime
from isthmus_fetch import HttpFetcher, check_egress


async def test_the_hook_offers_a_fetcher_that_fetches(nursery: trio.Nursery) -> None:
    manager = pluggy.PluginManager("isthmus")
    manager.add_hookspecs(isthmus.hookspecs)
    manager.register(isthmus_fetch)
    fetcher = manager.hook.isthmus_fetcher()
    assert isinstance(fetcher, HttpFetcher)
    assert isinstance(fetcher, Fetcher)
    port = await serve(nursery, saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"))
    response = await fetcher.fetch(
        FetchRequest(url=f"http://127.0.0.1:{port}/"),
        Egress(allow_private=True),
        max_response_bytes=10,
        on_hop=lambda hop: None,
    )
    assert response.body == b"ok"
    await fetcher.aclose()


def test_importing_it_and_making_a_fetcher_imports_no_http_library() -> None:
    code = (
        "import sys, isthmus_fetch; isthmus_fetch.isthmus_fetcher();"
        "print([name for name in ('h11', 'h2', 'httpx', 'httpcore', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names() -> None:
    assert {"HttpFetcher", "check_egress", "isthmus_fetcher", "over_client"} == set(isthmus_fetch.__all__)
    check_egress(Egress())
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        isthmus_fetch.nothing  # noqa: B018 -- looking it up is the point


async def test_malformed_egress_rules_are_refused_when_an_instance_is_loaded() -> None:
    """Not at its first request, which may come in the night."""
    function = isthmus.Function(name="f", kind=isthmus.Kind.DESTINATION, language="scripted", code="f")
    plugins = (isthmus_fetch, ScriptedRuntime())
    async with isthmus.open_engine(plugins=plugins, load_entry_points=False) as engine:
        with pytest.raises(isthmus.EngineError, match=r"10\.0\.0\.0/99"):
            await engine.load(function, egress=Egress(allow=("10.0.0.0/99",)))

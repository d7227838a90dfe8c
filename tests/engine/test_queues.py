"""Finding and opening queues, and the values that pass."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

import isthmus
from isthmus import hookimpl
from isthmus.queues import QueueOptions


def plugin(name: str, schemes: Mapping[str, Any]) -> object:
    @hookimpl
    def isthmus_queues() -> Mapping[str, Any]:
        return schemes

    return SimpleNamespace(__name__=name, isthmus_queues=isthmus_queues)


@asynccontextmanager
async def telling(url: str, options: Mapping[str, str]) -> AsyncIterator[Any]:
    yield url, options


async def opened(url: str, *plugins: object) -> Any:
    async with isthmus.open_queue(url, plugins=plugins, load_entry_points=False) as queue:
        return queue


async def test_a_url_is_opened_by_the_plugin_of_its_scheme_with_its_options_apart() -> None:
    mine, other = plugin("mine", {"mine": telling}), plugin("other", {"other": telling})
    assert await opened("mine:///a/b.db?sync=full&x=", mine, other) == (
        "mine:///a/b.db",
        {"sync": "full", "x": ""},
    )
    assert await opened("other://host:1/", mine, other) == ("other://host:1/", {})


async def test_a_relative_path_stays_relative() -> None:
    url, _ = await opened("mine:deliveries.db", plugin("mine", {"mine": telling}))
    assert url == "mine:deliveries.db"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("deliveries.db", "is named by a URL such as sqlite:deliveries.db, not 'deliveries.db'"),
        ("their:x", "no plugin offers queues for their:; there is 'mine'"),
        ("mine:x?a=1&a=2", "gives an option twice"),
        ("mine:x?a", "are written"),
    ],
)
async def test_what_is_no_queue_is_said(url: str, said: str) -> None:
    with pytest.raises(isthmus.EngineError, match=said):
        await opened(url, plugin("mine", {"mine": telling}))


async def test_two_plugins_for_a_scheme_are_an_error_that_names_both() -> None:
    with pytest.raises(isthmus.PluginError, match="'one' and 'two' both offer queues for mine:"):
        await opened("mine:x", plugin("one", {"mine": telling}), plugin("two", {"mine": telling}))


async def test_a_plugin_whose_hook_raises_is_left_out() -> None:
    @hookimpl
    def isthmus_queues() -> Mapping[str, Any]:
        raise OSError("no disk")

    broken = SimpleNamespace(__name__="broken", isthmus_queues=isthmus_queues)
    assert await opened("mine:x", broken, plugin("mine", {"mine": telling})) == ("mine:x", {})


@pytest.mark.parametrize(
    "options", [{"lease": 0}, {"lease": float("nan")}, {"max_unacked": 0}, {"dedupe_window": -1.0}]
)
def test_options_out_of_their_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(isthmus.EngineError, match=f"QueueOptions.{next(iter(options))} takes"):
        QueueOptions(**options)

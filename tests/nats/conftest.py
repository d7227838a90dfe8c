"""One cluster for all tests here, each with streams of its own; those that break servers share another."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import count

import pytest

import isthmus
import isthmus_nats
from isthmus.queues import Queue

from .servers import Cluster, running

LONG = os.environ.get("ISTHMUS_DURABILITY") == "long"
_numbers = count()

Open = Callable[..., AbstractAsyncContextManager[Queue]]


def open_(url: str) -> AbstractAsyncContextManager[Queue]:
    return isthmus.open_queue(url, plugins=[isthmus_nats], load_entry_points=False)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Three servers that nobody hurts."""
    with running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def hurt_cluster() -> Iterator[Cluster]:
    """Three servers that each test may find hurt by the one before."""
    with running() as cluster:
        yield cluster


@pytest.fixture
def own_cluster(hurt_cluster: Cluster) -> Cluster:
    """Three servers to be hurt, and well again."""
    hurt_cluster.start()
    return hurt_cluster


@pytest.fixture
def prefix() -> str:
    """Of the streams of one test."""
    return f"t{next(_numbers)}"


@pytest.fixture
async def queue(cluster: Cluster, prefix: str) -> AsyncIterator[Queue]:
    """Queues on the common cluster."""
    async with open_(cluster.url(prefix)) as queue:
        yield queue


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package one that is not installed."""

    def hide(name: str) -> None:
        for loaded in [
            each for each in sys.modules if each == name or each.startswith((f"{name}.", "isthmus_nats._"))
        ]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setattr(sys, "meta_path", [Hiding(name), *sys.meta_path])

    return hide


class Hiding:
    """An importer that has nothing of one package."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

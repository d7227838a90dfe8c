"""The engine has one face, whoever calls it: what is added to one is missed in the others here."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import isthmus
import isthmus.asyncio
import isthmus.sync

ONLY_ON_TRIO = {"runtime_of", "runtimes", "fetcher"}
"""Of the plugins, for who builds on the engine itself."""


def public(face: type) -> dict[str, Any]:
    return {name: value for name, value in vars(face).items() if not name.startswith("_") and callable(value)}


def parameters(function: Any, *, without: set[str]) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(function).parameters.values()
    return [(one.name, one.kind, one.default) for one in found if one.name not in without]


@pytest.mark.parametrize("name", sorted(set(public(isthmus.Engine)) - ONLY_ON_TRIO))
@pytest.mark.parametrize("face", [isthmus.asyncio.Engine, isthmus.sync.Engine], ids=["asyncio", "sync"])
def test_a_method_takes_the_same_everywhere(face: type, name: str) -> None:
    model, method = public(isthmus.Engine)[name], public(face)[name]
    waits = inspect.iscoroutinefunction(model)
    extra = {"timeout"} if face is isthmus.sync.Engine and waits else set()
    assert parameters(method, without=extra) == parameters(model, without=set())
    assert inspect.getdoc(method)
    if face is isthmus.asyncio.Engine:
        assert inspect.iscoroutinefunction(method) == waits
    else:
        assert not inspect.iscoroutinefunction(method)
        assert not waits or inspect.signature(method).parameters["timeout"].default is None


@pytest.mark.parametrize("face", [isthmus.asyncio, isthmus.sync])
def test_an_engine_is_opened_the_same_way_everywhere(face: Any) -> None:
    assert parameters(face.open_engine, without=set()) == parameters(isthmus.open_engine, without=set())


@pytest.mark.parametrize("face", [isthmus.asyncio, isthmus.sync])
def test_no_face_has_a_method_of_its_own(face: Any) -> None:
    assert set(public(face.Engine)) <= set(public(isthmus.Engine))
    assert set(public(face.EventBatcher)) == {"add"}

"""``isthmus doctor``: what it looks at, and what its exit status says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from isthmus import QueueError, hookimpl
from isthmus.queues import Finding
from isthmus.testing import ScriptedRuntime

from .conftest import Isthmus


def storage(*findings: Finding, refusing: str = "") -> object:
    """A plugin with a queue of which only the findings matter."""

    class Looked:
        async def findings(self) -> list[Finding]:
            return list(findings)

    @asynccontextmanager
    async def opened(url: str, options: Mapping[str, str]) -> AsyncIterator[Any]:
        if refusing:
            raise QueueError(refusing)
        yield Looked()

    @hookimpl
    def isthmus_queues() -> Mapping[str, Any]:
        return {"shelf": opened}

    return SimpleNamespace(__name__="shelf", isthmus_queues=isthmus_queues)


def test_it_says_what_separates_functions_from_the_machine(isthmus: Isthmus) -> None:
    ran = isthmus("doctor", plugins=[ScriptedRuntime()])
    assert ran.status == 0
    assert "\n  scripted: none: the test's own Python callables\n" in ran.out
    assert "queue" not in ran.out


def test_a_plugin_that_is_not_used_is_unsafe(isthmus: Isthmus) -> None:
    class Broken:
        @hookimpl
        def isthmus_fetcher(self) -> object:
            raise RuntimeError("no network here")

    ran = isthmus("doctor", plugins=[ScriptedRuntime(), Broken()])
    assert ran.status == 1
    assert (
        "✗ Broken is not used, or not all of it: isthmus_fetcher failed: RuntimeError: no network" in ran.out
    )
    assert "✓ ScriptedRuntime" in ran.out


def test_a_plugin_whose_queues_fail_is_unsafe_too(isthmus: Isthmus) -> None:
    @hookimpl
    def isthmus_queues() -> Mapping[str, Any]:
        raise RuntimeError("no shelf")

    broken = SimpleNamespace(__name__="broken", isthmus_queues=isthmus_queues)
    ran = isthmus("doctor", plugins=[broken])
    assert ran.status == 1
    assert "✗ broken is not used, or not all of it: isthmus_queues failed: RuntimeError: no shelf" in ran.out


@pytest.mark.parametrize(
    ("level", "sign", "status"), [("fine", "✓", 0), ("warning", "!", 0), ("unsafe", "✗", 1)]
)
def test_a_queue_s_findings_are_shown_with_their_remedies(
    level: Literal["fine", "warning", "unsafe"], sign: str, status: int, isthmus: Isthmus
) -> None:
    finding = Finding(level=level, what="the disk is made of paper", remedy="buy another")
    ran = isthmus("doctor", "--queue", "shelf:x", plugins=[storage(finding)])
    assert ran.status == status
    assert f"queue\n  {sign} the disk is made of paper\n    buy another\n" in ran.out


def test_a_queue_that_refuses_to_be_opened_says_why(isthmus: Isthmus) -> None:
    ran = isthmus("doctor", "--queue", "shelf:x", plugins=[storage(refusing="not safe:\n- paper\x1b[2J")])
    assert (ran.status, ran.err) == (1, "")
    assert "queue\n  ✗ not safe:\n    - paper\\x1b[2J\n" in ran.out


def test_a_queue_that_says_nothing_is_not_called_fine(isthmus: Isthmus) -> None:
    ran = isthmus("doctor", "--queue", "shelf:x", plugins=[storage()])
    assert ran.status == 0
    assert "! the storage says nothing of what it rests on" in ran.out


def test_what_is_no_queue_is_a_wrong_call(isthmus: Isthmus) -> None:
    ran = isthmus("doctor", "--queue", "paper:x", plugins=[storage()])
    assert ran.status == 2
    assert ran.err.startswith("isthmus doctor: no plugin offers queues for paper:")

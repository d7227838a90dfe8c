"""A component that a real toolchain has made: Python, by componentize-py, from the world that the package publishes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.javascript import NOW, FakeHost, call_of
from tests.wasm.modules import Module, Modules

from isthmus.abc import Returned, Thrown
from isthmus.cachedir import cache_directory
from isthmus_wasmtime import wit
from isthmus_wasmtime._runtime import WasmtimeRuntime

pytestmark = pytest.mark.slow

TOOL = "componentize-py==0.25.1"
SOURCE = Path(__file__).parent / "guests" / "function.py"
MEMORY = 256 * 1024 * 1024


@pytest.fixture(scope="module")
def built() -> bytes:
    """The component; made once, and kept in the user's cache."""
    directory = cache_directory() / "test-guests"
    sources = [SOURCE, *sorted(wit().iterdir())]
    digest = hashlib.sha256(b"".join([TOOL.encode(), *(path.read_bytes() for path in sources)])).hexdigest()
    component = directory / f"{digest}.wasm"
    if not component.exists():
        directory.mkdir(parents=True, exist_ok=True)
        _build(component, directory / f"tools-{os.getpid()}")
    return component.read_bytes()


def _build(component: Path, tools: Path) -> None:
    part = component.with_suffix(f".{os.getpid()}")
    try:
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        installed = subprocess.run([tools / "bin" / "pip", "install", "--quiet", TOOL], check=False)
        if installed.returncode:
            pytest.skip(f"{TOOL} cannot be installed here")
        shutil.copy(SOURCE, tools / "guest.py")
        subprocess.run(
            [
                f"{tools}/bin/componentize-py",
                "-d",
                wit(),
                "-w",
                "function",
                "componentize",
                "guest",
                "-o",
                part,
            ],
            check=True,
            cwd=tools,
            stdout=subprocess.DEVNULL,
        )
        part.rename(component)
    finally:
        shutil.rmtree(tools, ignore_errors=True)


@pytest.fixture
async def python(built: bytes) -> AsyncIterator[Module]:
    # Compiling an interpreter takes the better part of a minute, so that what is compiled is kept as well.
    async with Modules.opened(WasmtimeRuntime()) as modules:
        yield await modules(built, memory=MEMORY, wall=120, cpu=120)


def track(name: str, **more: object) -> dict[str, object]:
    return {"type": "track", "event": name, **more}


async def test_it_has_the_handlers_that_it_offers(python: Module) -> None:
    assert python.program.handlers == {"onTrack", "onBatch", "onRequest"}


async def test_events_and_settings_come_as_their_types(python: Module) -> None:
    event = track("who", messageId="m", userId="ü", properties={"a": [1, None]})
    assert await python.value(call_of(event)) == ["track", "m", "ü", "who", event]
    settings = {"apiKey": "k", "on": True, "list": ["a", "b"], "map": {"a": "b"}}
    assert await python.value(call_of(track("settings"), settings)) == settings


async def test_batches_and_webhooks(python: Module) -> None:
    reply = await python.run(call_of([track("a", userId="u"), track("b")], handler="onBatch"))
    assert reply.ending == Returned(b'[{"status":200},{"status":400,"errormessage":"no user"}]')
    webhook = {"url": "https://h/", "method": "PUT", "headers": [["a", "b"]]}
    for body in ({"text": "hé"}, {"base64": "aMOp"}):
        sent = await python.run(call_of({**webhook, **body}, handler="onRequest"))
        assert json.loads(sent.messages) == [{"type": "track", "event": "hé", "userId": "PUT"}]


async def test_what_it_imports_of_the_world(python: Module) -> None:
    host = FakeHost()
    assert await python.value(call_of(track("fetch")), host) == [
        200,
        "https://api.example.com/a",
        {"ok": True},
    ]
    assert (host.requests[0].method, host.requests[0].body, host.requests[0].redirect) == (
        "POST",
        b'{"a":1}',
        "error",
    )
    assert await python.value(call_of(track("cache")), host) is None
    assert await python.value(call_of(track("cache")), host) == "kept"
    await python.run(call_of(track("log")), host)
    assert sorted(host.lines) == [("log", "printed"), ("warn", "logged")]


async def test_errors_have_their_names(python: Module) -> None:
    assert (await python.run(call_of(track("retry")))).ending == Thrown("RetryError", "later")
    assert (await python.run(call_of(track("other")))).ending == Thrown("TeapotError", "short and stout")
    host = FakeHost()
    ending = (await python.run(call_of(track("raise")), host)).ending
    assert isinstance(ending, Thrown)
    assert "KeyError: 'unexpected'" in "\n".join(host.texts)


async def test_too_much_memory_is_an_error_of_its_own(python: Module) -> None:
    host = FakeHost()
    assert isinstance((await python.run(call_of(track("memory")), host)).ending, Thrown)
    assert "MemoryError" in "\n".join(host.texts)


async def test_every_call_begins_as_it_was_built(python: Module) -> None:
    assert [await python.value(call_of(track("calls"))) for _ in range(3)] == [1, 1, 1]


async def test_time_is_the_call_s_own(python: Module) -> None:
    _, now = msgspec.convert(await python.value(call_of(track("chance"))), tuple[float, float])
    assert NOW <= now < NOW + 1


async def test_there_is_nothing_of_the_machine_s(python: Module) -> None:
    found = msgspec.convert(await python.value(call_of(track("attempts"))), dict[str, str])
    assert found.pop("environ") == "{}"
    assert found.pop("run") in {"AttributeError", "-1"}
    assert set(found.values()) <= {
        "FileNotFoundError", "PermissionError", "OSError", "gaierror", "NotADirectoryError",
    }, found  # fmt: skip
    assert not os.path.exists("/tmp/isthmus-was-here")  # noqa: ASYNC240 -- it is a look, in a test

"""State of one call that the next must not find; and what ``isolation="instance"`` keeps, for one instance alone."""

from __future__ import annotations

import pytest
from tests.python import Functions, value_of

LEAVES = """
import builtins, fcntl, json, os, random, sys, tempfile, threading, time
import isthmus_guest
from isthmus_guest import segment

kept = []
class Shape:
    count = 0

def traces():
    # What is found of an earlier call, by name.
    found = {
        "module variable": bool(kept),
        "class attribute": Shape.count > 0,
        "default argument": bool(remember()),
        "environment": "LEFT" in os.environ,
        "builtin": hasattr(builtins, "left"),
        "patched library": json.dumps({}) != "{}",
        "patched guest": hasattr(isthmus_guest, "left"),
        "module": "left" in sys.modules,
        "path": "/left" in sys.path,
        "file": os.path.exists(os.path.join(tempfile.gettempdir(), "left")),
        "directory": os.getcwd().endswith("deep"),
        "thread": threading.active_count() > 1,
        "message": bool(segment.messages),
        "recursion limit": sys.getrecursionlimit() == 777,
        "trace": sys.gettrace() is not None,
        "standard output": type(sys.stdout).__name__ == "StringIO",
        "clock": time.time() > 1e12,
        "code": on_page.__code__.co_name == "replaced",
        "flags of standard input": bool(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_APPEND),
    }
    return sorted(name for name, there in found.items() if there)

def remember(seen=[]):
    return list(seen)

def replaced(event, settings):
    return traces()

def on_page(event, settings):
    return traces()

def on_track(event, settings):
    import io
    kept.append(event)
    Shape.count += 1
    remember.__defaults__[0].append(1)
    os.environ["LEFT"] = "1"
    builtins.left = 1
    json.dumps = lambda *_, **__: "patched"
    isthmus_guest.left = 1
    sys.modules["left"] = sys
    sys.path.append("/left")
    try:
        open(os.path.join(tempfile.gettempdir(), "left"), "w").write("x")
        os.mkdir(os.path.join(tempfile.gettempdir(), "deep"))
        os.chdir(os.path.join(tempfile.gettempdir(), "deep"))
    except OSError:
        pass  # there is no place to write to
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    segment.messages.append({"type": "track"})
    sys.setrecursionlimit(777)
    sys.stdout = io.StringIO()
    time.time = lambda: 1e13
    on_page.__code__ = replaced.__code__
    fcntl.fcntl(0, fcntl.F_SETFL, os.O_APPEND)
    before = traces()
    segment.messages.clear()
    return before
"""


@pytest.mark.parametrize("ready", [0, 1])
async def test_nothing_of_a_call_is_there_in_the_next(functions: Functions, ready: int) -> None:
    functions.runtime._ready = ready
    instance = await functions.load(LEAVES)
    engine = functions.engine
    left = value_of(await engine.invoke(instance, {"type": "track"}))
    assert len(left) >= 15  # it can be found where it is: in the same call
    for _ in range(3):
        assert value_of(await engine.invoke(instance, {"type": "page"})) == []


async def test_a_kept_process_keeps_it_for_its_own_instance_alone(functions: Functions) -> None:
    engine = functions.engine
    code = "count = 0\ndef on_track(event, settings):\n    global count\n    count += 1\n    return count, settings"
    one = await functions.load(code, settings={"key": "1"}, isolation="instance")
    two = await functions.load(code, settings={"key": "2"}, isolation="instance")
    said = [value_of(await engine.invoke(each, {"type": "track"})) for each in (one, one, two, one, two)]
    assert said == [
        [1, {"key": "1"}],
        [2, {"key": "1"}],
        [1, {"key": "2"}],
        [3, {"key": "1"}],
        [2, {"key": "2"}],
    ]


async def test_the_same_call_has_the_same_chance_and_another_another(functions: Functions) -> None:
    code = """
    import os, random, secrets, uuid
    at_load = random.random()
    def on_track(event, settings):
        return [random.random(), str(uuid.uuid4()), secrets.token_hex(8), os.urandom(4).hex(), random.SystemRandom().random()]
    """
    instance = await functions.load(code)
    drawn = [value_of(await functions.engine.invoke(instance, {"type": "track"})) for _ in range(4)]
    for column in zip(*drawn, strict=True):
        assert len(set(column)) == 4

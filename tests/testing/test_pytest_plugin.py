"""The fixtures that come with the package, in projects of pytest's own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent

FUNCTION = """
let calls = 0
async function onTrack(event, settings) {
  calls += 1
  console.log(`call ${calls}`)
  const response = await fetch(settings.endpoint + '/orders', {
    method: 'POST', headers: { 'X-Key': settings.apiKey }, body: JSON.stringify({ id: event.properties.id }),
  })
  if (response.status === 503) throw new RetryError('busy')
  return { got: await response.json(), at: Date.now() }
}
async function onBatch(events) { return events.map((event) => ({ status: event.bad ? 400 : 200 })) }
"""

MANIFEST = """
name = "orders"
kind = "destination"
code = "function.js"
[[settings]]
name = "endpoint"
required = true
[[settings]]
name = "apiKey"
sensitive = true
[sample]
sink = "endpoint"
settings = { apiKey = "example-key" }
"""

SYNC = """
import pytest
from isthmus import Request
from isthmus.testing import view_of

ORDER = {"type": "track", "event": "Order", "userId": "u1", "properties": {"id": 7}}

def test_the_sink_answers_and_keeps_what_came(isthmus_function, isthmus_http):
    orders = isthmus_function("orders")
    outcome = orders.invoke(ORDER)
    assert outcome.status == "delivered"
    assert view_of(outcome)["value"]["got"] == {"ok": True}
    assert isthmus_http.requests[0].url == isthmus_http.sink_url + "/orders"
    assert isthmus_http.json() == {"id": 7}
    assert isthmus_http.header("X-Key") == "example-key"
    assert outcome.logs[0].text == "call 1"

def test_a_response_is_written_down(isthmus_function, isthmus_http):
    assert isthmus_http.requests == []
    isthmus_http.respond("POST", "https://api.example.com/*", status=503)
    isthmus_http.respond("POST", "https://api.example.com/orders", json={"id": 1}, times=1)
    orders = isthmus_function("orders", settings={"endpoint": "https://api.example.com"})
    assert view_of(orders.invoke(ORDER))["value"]["got"] == {"id": 1}
    assert orders.invoke(ORDER).problem.name == "RetryError"
    assert len(isthmus_http.requests) == 2

def test_nothing_else_is_reached(isthmus_function, isthmus_http):
    orders = isthmus_function("orders", settings={"endpoint": "https://127.0.0.1:1"})
    outcome = orders.invoke(ORDER)
    assert outcome.problem.name == "FetchError"
    assert "the test has no response for POST https://127.0.0.1:1/orders" in outcome.problem.message
    assert len(isthmus_http.unanswered) == 1

def test_a_batch(isthmus_function):
    outcome = isthmus_function("orders").invoke_batch([ORDER, {**ORDER, "bad": True}])
    assert [item.status for item in outcome.items] == ["delivered", "refused"]

def test_clock_and_chance(isthmus_engine, isthmus_function):
    isthmus_engine.freeze(now=1000.0, seed=b"x")
    code = "function onTrack() { return [Date.now(), Math.random()] }"
    one = isthmus_function(code=code, language="javascript")
    first, second = (view_of(one.invoke(ORDER))["value"] for _ in range(2))
    assert first == second
    assert first[0] == 1_000_000

def test_the_clock_is_the_real_one_again(isthmus_function):
    one = isthmus_function(code="function onTrack() { return Date.now() }", language="javascript")
    assert view_of(one.invoke(ORDER))["value"] > 1_700_000_000_000

def test_a_webhook(isthmus_function):
    code = "function onRequest(request) { Segment.track({ event: request.json().name, userId: 'u' }) }"
    source = isthmus_function(code=code, language="javascript", kind="source")
    (message,) = view_of(source.invoke(Request(body=b'{"name": "hi"}')))["messages"]
    assert message["event"] == "hi"

def test_what_does_not_load(isthmus_function):
    import isthmus
    with pytest.raises(isthmus.LoadError):
        isthmus_function(code="function onTrack( {", language="javascript")
    with pytest.raises(ValueError, match="needs a language"):
        isthmus_function(code="x")
    with pytest.raises(ValueError, match="from a path, or from code"):
        isthmus_function()
"""

ASYNC = """
import pytest
import trio

EVENT = {"type": "track", "properties": {"id": 1}}

@pytest.mark.trio
async def test_in_trio(isthmus_function, isthmus_http, autojump_clock):
    orders = isthmus_function("orders")
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(orders.ainvoke, EVENT)
        await trio.sleep(1)
    assert len(isthmus_http.requests) == 3
    assert orders.invoke(EVENT).status == "delivered"

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_with_anyio(isthmus_function, anyio_backend):
    orders = isthmus_function("orders")
    assert (await orders.ainvoke(EVENT)).status == "delivered"
    assert len((await orders.ainvoke_batch([EVENT, EVENT])).items) == 2
"""

OWN = """
import pytest
from isthmus.testing import ScriptedRuntime

@pytest.fixture(scope="session")
def isthmus_plugins():
    return [ScriptedRuntime({"onTrack": lambda event, settings, world: event["userId"]})]

def test_a_runtime_of_its_own(isthmus_function):
    function = isthmus_function(code="", language="scripted")
    assert bytes(function.invoke({"type": "track", "userId": "u"}).value) == b'"u"'
"""


def orders(path: Path) -> None:
    (path / "orders").mkdir()
    (path / "orders" / "function.js").write_text(FUNCTION)
    (path / "orders" / "function.toml").write_text(MANIFEST)


def test_functions_are_tested_in_plain_and_in_asynchronous_tests(pytester: pytest.Pytester) -> None:
    orders(pytester.path)
    pytester.makepyfile(test_sync=SYNC, test_async=ASYNC, test_own=OWN)
    pytester.makefile(
        ".ini", pytest="[pytest]\nfilterwarnings = error\naddopts = --strict-markers -p no:cacheprovider"
    )
    ran = pytester.runpytest_subprocess("-q", "test_sync.py", "test_async.py", timeout=300)
    ran.assert_outcomes(passed=11)
    pytester.runpytest_subprocess("-q", "test_own.py", timeout=300).assert_outcomes(passed=1)


def test_what_the_documentation_shows_is_so(tmp_path: Path) -> None:
    section = (
        (ROOT / "engine" / "README.md")
        .read_text()
        .partition("\n## Testing functions\n")[2]
        .partition("\n## ")[0]
    )
    (in_python,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (case,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    made = subprocess.run(
        [sys.executable, "-m", "isthmus", "new", "destination", "my-orders", "--template", "orders"],
        cwd=tmp_path,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0
    (tmp_path / "test_orders.py").write_text(in_python)
    (tmp_path / "my-orders" / "cases" / "shown.json").write_text(case)
    for command, said in (("pytest", "1 passed"), ("isthmus", "1 of 1 cases as expected")):
        argv = ["-q"] if command == "pytest" else ["test", "my-orders", "-k", "shown"]
        done = subprocess.run(
            [sys.executable, "-m", command, *argv],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert said in done.stdout, done.stdout + done.stderr


def test_it_serves_an_empty_project_without_any_other_plugin(tmp_path: Path) -> None:
    orders(tmp_path)
    (tmp_path / "test_orders.py").write_text(SYNC)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:trio",
            "-p",
            "no:anyio",
            "-p",
            "no:hypothesispytest",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


def test_a_run_that_uses_none_of_it_does_not_import_the_engine(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'isthmus_pytest' in sys.modules\n"
        "    assert not {'isthmus', 'wasmtime', 'msgspec'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout

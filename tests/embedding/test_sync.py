"""The engine as threads and plain scripts have it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgspec
import pytest
from tests.embedding.scripted import FUNCTION, IDENTIFY, LIMITS, TENANT, Script, track

import isthmus
import isthmus.sync
from isthmus._bridge.thread import Crossing, TrioThread
from isthmus.testing import ScriptedRuntime, World


@contextmanager
def opened(runtime: ScriptedRuntime) -> Iterator[tuple[isthmus.sync.Engine, isthmus.Instance]]:
    with isthmus.sync.open_engine(plugins=[runtime], load_entry_points=False, limits=LIMITS) as engine:
        yield engine, engine.load(FUNCTION, timeout=30)


def test_calls_of_many_threads_run_in_the_engines_own() -> None:
    script = Script()
    with opened(script.runtime()) as (engine, instance), ThreadPoolExecutor(16) as pool:

        def call(number: int) -> object:
            TENANT.set(f"t{number}")
            outcome = engine.invoke(instance, track(number), timeout=30)
            return msgspec.json.decode(outcome.value or b"")

        assert list(pool.map(call, range(200))) == [
            {"number": number, "tenant": f"t{number}"} for number in range(200)
        ]
    assert script.threads == {"isthmus-trio"}


def test_a_call_out_of_time_is_cancelled_and_has_unwound() -> None:
    script = Script()
    with opened(script.runtime()) as (engine, instance):
        while not script.begun.is_set():  # a busy machine may take all of the time before the call begins
            with pytest.raises(TimeoutError, match=r"longer than 0\.01 s"):
                engine.invoke(instance, IDENTIFY, timeout=0.01)
        assert (script.waiting, script.cancelled) == (0, 1)
        assert engine.invoke(instance, track()).ok


def test_ctrl_c_cancels_the_call_that_the_main_thread_waits_for() -> None:
    script = Script()

    def interrupt() -> None:
        script.begun.wait(30)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with opened(script.runtime()) as (engine, instance):
        other = threading.Thread(target=interrupt)
        other.start()
        with pytest.raises(KeyboardInterrupt):
            engine.invoke(instance, IDENTIFY)
        other.join()
        assert (script.waiting, script.cancelled) == (0, 1)


@pytest.mark.parametrize("sent", [False, True])
def test_an_interrupt_while_a_call_is_sent_in_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    script = Script()

    def submit(thread: TrioThread, crossing: Crossing) -> None:
        if sent:
            genuine(thread, crossing)
            assert script.begun.wait(30)
        raise KeyboardInterrupt

    with opened(script.runtime()) as (engine, instance):
        genuine = TrioThread.submit
        monkeypatch.setattr(TrioThread, "submit", submit)
        with pytest.raises(KeyboardInterrupt):
            engine.invoke(instance, IDENTIFY)
        monkeypatch.undo()
        assert (script.waiting, script.cancelled) == (0, int(sent))
        assert engine.invoke(instance, track()).ok


def test_exceptions_come_as_they_are() -> None:
    with opened(Script().runtime()) as (engine, instance):
        with pytest.raises(isthmus.InvalidInput):
            engine.invoke(instance, b"no json")
        engine.unload(instance)
        with pytest.raises(isthmus.EngineClosed):
            engine.invoke(instance, track())
    with (
        pytest.raises(isthmus.PluginError),
        isthmus.sync.open_engine(plugins=[object()], load_entry_points=False),
    ):
        pass


def test_settings_and_capabilities_are_plain_functions_in_threads() -> None:
    threads: set[str] = set()

    def ask(caller: isthmus.Caller) -> dict[str, object]:
        threads.add(threading.current_thread().name)
        return {}

    def lookup(city: str) -> str:
        threads.add(threading.current_thread().name)
        return city.upper()

    async def on_track(event: object, settings: object, world: World) -> object:
        return msgspec.Raw(await world.host.capability("geo.lookup", b'"oslo"'))

    with isthmus.sync.open_engine(
        plugins=[ScriptedRuntime({"onTrack": on_track})],
        load_entry_points=False,
        capabilities={"geo.lookup": lookup},
    ) as engine:
        granted = msgspec.structs.replace(FUNCTION, capabilities=("geo.lookup",))
        instance = engine.load(granted, settings=isthmus.SettingsSource(ask=ask))
        assert bytes(engine.invoke(instance, track()).value or b"") == b'"OSLO"'
        engine.replace(instance)
        assert engine.stats().instances["f"].capabilities == 1
    assert len(threads) >= 1
    assert "isthmus-trio" not in threads


def test_a_thread_that_waits_when_the_engine_is_closed_hears_of_it() -> None:
    script = Script()
    with ThreadPoolExecutor(1) as pool:
        with opened(script.runtime()) as (engine, instance):
            waiting = pool.submit(engine.invoke, instance, IDENTIFY)
            assert script.begun.wait(30)
        with pytest.raises(isthmus.EngineClosed, match="closed while"):
            waiting.result(30)
    with pytest.raises(isthmus.EngineClosed):
        engine.invoke(instance, track())


def test_many_events_are_read_and_delivered_by_the_calling_thread() -> None:
    seen: dict[int, object] = {}
    threads: set[int] = set()

    def deliver(index: int, outcome: isthmus.Outcome | isthmus.InvalidInput) -> None:
        threads.add(threading.get_ident())
        seen[index] = outcome

    with opened(Script().runtime()) as (engine, instance):
        events = [track(number) for number in range(3000)]
        engine.invoke_each(instance, [*events, b"no json"], deliver, concurrency=8, timeout=300)
        assert isinstance(seen.pop(3000), isthmus.InvalidInput)
        assert sorted(seen) == [*range(3000)]
        assert threads == {threading.get_ident()}


def test_a_run_over_events_ends_by_its_events_its_deliveries_its_stop_and_its_time() -> None:
    script = Script()
    stop = threading.Event()
    delivered: list[int] = []

    def broken() -> Iterator[dict[str, object]]:
        yield track()
        raise ZeroDivisionError

    def refuse(index: int, outcome: object) -> None:
        raise LookupError

    def endless() -> Iterator[dict[str, object]]:
        while True:
            yield track()

    def count(index: int, outcome: object) -> None:
        delivered.append(index)
        if len(delivered) == 10:
            stop.set()

    with opened(script.runtime()) as (engine, instance):
        with pytest.raises(ZeroDivisionError):
            engine.invoke_each(instance, broken(), lambda *_: None)
        with pytest.raises(LookupError):
            engine.invoke_each(instance, [track(), IDENTIFY], refuse)
        engine.invoke_each(instance, endless(), count, stop=stop)
        assert len(delivered) >= 10
        with pytest.raises(TimeoutError):
            engine.invoke_each(instance, [IDENTIFY], lambda *_: None, timeout=0.05)
        assert script.waiting == 0


def test_a_batcher_gathers_events_of_threads() -> None:
    delivered: dict[int, isthmus.Status] = {}

    def deliver(index: int, result: isthmus.ItemResult, outcome: isthmus.Outcome) -> None:
        delivered[index] = result.status

    with opened(Script().runtime()) as (engine, instance):
        with (
            engine.open_batcher(instance, deliver, max_count=4) as batcher,
            ThreadPoolExecutor(4) as pool,
        ):
            assert sorted(pool.map(lambda n: batcher.add(track(n)), range(10))) == [*range(10)]
        assert delivered == dict.fromkeys(range(10), isthmus.Status.DELIVERED)
        with (
            pytest.raises(isthmus.EngineError, match="concurrency=0"),
            engine.open_batcher(instance, deliver, concurrency=0),
        ):
            pass
        with pytest.raises(ZeroDivisionError), engine.open_batcher(instance, deliver):
            raise ZeroDivisionError


def test_the_engines_own_thread_may_not_wait_for_itself() -> None:
    with opened(Script().runtime()) as (engine, instance):

        def deliver(index: int, result: isthmus.ItemResult, outcome: isthmus.Outcome) -> None:
            engine.invoke(instance, track())

        with (
            pytest.raises(isthmus.EngineError, match="wait for itself"),
            engine.open_batcher(instance, deliver, max_count=1) as batcher,
        ):
            batcher.add(track())


SCRIPT = """
import isthmus.sync
from tests.embedding.scripted import FUNCTION, Script, track

opened = isthmus.sync.open_engine(plugins=[Script().runtime()], load_entry_points=False)
engine = opened.__enter__()
print(engine.invoke(engine.load(FUNCTION), track()).status)
"""


def test_a_script_that_forgets_to_close_ends_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "delivered\n", "")

"""A call in a world, by the ways there are to come by one; below the engine, so by what is no public API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import msgspec

from benchmarks._figures import Case, Sample, timed
from benchmarks._subject import API_KEY, CODE, EVENT, FUNCTION
from isthmus import Limits
from isthmus.abc import Call
from isthmus_quickjs._boot import Boot
from isthmus_quickjs._frames import RETURNED, pack_record, parse_frame
from isthmus_quickjs._guest import HERE, JS_STACK, Guest, Image, load_script
from isthmus_quickjs._runtime import modules_named_in
from isthmus_quickjs._source import Source
from isthmus_quickjs._world import CrossingResult, World

__all__ = ["cases"]

TOGETHER = 64
LIMITS = Limits()
LOG_BYTES = LIMITS.log_bytes + 1

SOURCE = Source(code=CODE, file=FUNCTION.file)
OPTIONS: dict[str, object] = {
    "kind": FUNCTION.kind.value,
    "modules": modules_named_in(CODE),
    "lenient": False,
}
RECORD = pack_record(
    Call(
        handler="onTrack",
        argument=EVENT,
        settings=msgspec.json.encode({"apiKey": API_KEY}),
        instance="subject#1",
        now=1_700_000_000.0,
        seed=bytes(range(32)),
    )
)


def _always(_index: int, _seconds: float) -> bool:
    return True


def cases(stack: ExitStack, *, quick: bool) -> list[Case]:
    """Make the cases; needs a thread with the stack of a lane.

    Args:
        stack: closes their worlds.
        quick: fewer calls a turn.
    """
    count = 10 if quick else 60
    guest = Guest()
    image = guest.load(SOURCE, OPTIONS, memory=LIMITS.memory, log_bytes=LOG_BYTES, proceed=_always)

    def world() -> World:
        made = World(image)
        stack.callback(made.close)
        return made

    kept, restored = world(), world()
    alone, pair = _Lane(world()), (_Lane(world()), _Lane(world()))
    for lane in (alone, *pair):
        stack.callback(lane.close)

    def warm() -> None:
        kept.settle()
        _checked(kept.invoke(RECORD, _always))

    def restore() -> None:
        restored.restore()
        _checked(restored.invoke(RECORD, _always))

    def copy_on_write() -> None:
        fresh = World(image)
        _checked(fresh.invoke(RECORD, _always))
        fresh.close()

    return [
        Case(
            name="warm", what="a call in a world whose state is kept", sample=timed(warm, count), inside=True
        ),
        Case(
            name="restored",
            what="a call in a world restored in place from its image",
            sample=timed(restore, count),
            inside=True,
        ),
        Case(
            name="copy-on-write",
            what="a call in a world made from the image for it, and closed",
            sample=timed(copy_on_write, count // 4),
            inside=True,
        ),
        Case(
            name="from-nothing",
            what="QuickJS booted, the prelude evaluated, the function loaded, one call: without images",
            sample=timed(lambda: _from_nothing(guest, image), 2, warm_up=1),
            inside=True,
        ),
        Case(
            name="64-in-one",
            what="64 calls in one crossing, each in a restored world, on one thread",
            sample=_crossings([alone], 2 if quick else 8),
            inside=True,
        ),
        Case(
            name="64-in-one, 2 threads",
            what="the same on two threads at once; the time of a call is wall time over all calls",
            sample=_crossings(pair, 2 if quick else 8),
            inside=True,
        ),
    ]


def _checked(crossing: CrossingResult) -> None:
    assert crossing.stopped is None
    assert crossing.ran[0].frame[0] == RETURNED


def _from_nothing(guest: Guest, image: Image) -> None:
    boot = Boot(guest, None, image.memory_cap)
    try:
        boot.boot(JS_STACK, LOG_BYTES)
        boot.evaluate("isthmus:core", (HERE / "prelude" / "core.js").read_bytes())
        boot.evaluate("isthmus:load", load_script(SOURCE, OPTIONS))
        boot.seal(LIMITS.memory)
        boot.memory.poke(boot._call("input", len(RECORD)) & 0xFFFFFFFF, RECORD)
        packed = boot._call("invoke", len(RECORD))
        assert parse_frame(boot.memory.peek_packed(packed)).status == RETURNED
    finally:
        boot.close()


class _Lane:
    """A thread that takes its world through crossings when it is told to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._begin = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        self._crossings = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def start(self, crossings: int) -> None:
        self._crossings = crossings
        self._begin.release()

    def wait(self) -> None:
        self._done.acquire()

    def close(self) -> None:
        self.start(0)
        self._thread.join()

    def _run(self) -> None:
        records = [RECORD] * TOGETHER
        while self._begin.acquire() and self._crossings:
            for _ in range(self._crossings):
                ran = self._world.run_many(records, 10.0, _always).ran
                assert len(ran) == TOGETHER
                assert all(each.frame[0] == RETURNED for each in ran)
            self._done.release()


def _crossings(lanes: Sequence[_Lane], count: int) -> Sample:
    def turn() -> None:
        for lane in lanes:
            lane.start(count)
        for lane in lanes:
            lane.wait()

    async def sample() -> Sequence[float]:
        return [_seconds(turn) / (count * TOGETHER * len(lanes)) for _ in range(3)]

    return sample


def _seconds(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began

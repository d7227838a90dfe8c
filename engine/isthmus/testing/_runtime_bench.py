"""A runtime under test: what its author writes for the kit, and what its checks are made with."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, final

import msgspec
import trio

from isthmus.abc import Call, Host, Killed, Program, Reply, Returned, Runtime, Thrown
from isthmus.functions import Function, Kind
from isthmus.limits import Limits

from ._kit_host import KitHost
from ._runtime_samples import SAMPLES

__all__ = [
    "LONGEST",
    "RUNTIME_CHECKS",
    "RuntimeBench",
    "RuntimeCheck",
    "RuntimeSubject",
    "check",
]

LONGEST: Final = 60.0
"""Seconds after which something hangs; never how long anything takes, for a machine may be busy."""

MIB: Final = 1024 * 1024
NOW: Final = 1_700_000_000.0
SEED: Final = bytes(range(32))


@final
class RuntimeSubject:
    """A runtime under test, and what is special about it.

    Args:
        make: makes the runtime; called once for a run of the kit.
        samples: by the names of :data:`SAMPLES`, in its language.
        lacks: why a check or a sample is left out, by its name: ``{"sleep": "Lua has no timers"}``.
        memory: bytes that a world of this runtime is given, enough for every sample but ``hoard``.

    Raises:
        ValueError: a sample is neither written nor said to be lacking, or a name is none.
    """

    def __init__(
        self,
        make: Callable[[], Runtime],
        samples: Mapping[str, str | bytes],
        *,
        lacks: Mapping[str, str] | None = None,
        memory: int = 128 * MIB,
    ) -> None:
        self.make = make
        self.samples = samples
        self.lacks = lacks or {}
        self.memory = memory
        for name in SAMPLES:
            if name not in samples and name not in self.lacks:
                raise ValueError(
                    f'the kit needs a sample "{name}" ({SAMPLES[name]}), or in "lacks" why there is none'
                )
        if strange := sorted(
            (samples.keys() - SAMPLES) | (self.lacks.keys() - SAMPLES - RUNTIME_CHECKS.keys())
        ):
            raise ValueError(f"the kit has no sample and no check {strange[0]!r}")

    def reason_to_leave_out(self, name: str) -> str:
        """Why a check is left out, "" where it is not."""
        needed = RUNTIME_CHECKS[name].needs
        reasons = (self.lacks.get(each) for each in (name, *needed))
        return next((reason for reason in reasons if reason), "")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RuntimeBench]:
        """A runtime with its samples, and all of it closed on the way out."""
        bench = RuntimeBench(self, self.make())
        try:
            yield bench
        finally:
            with trio.CancelScope(shield=True):
                await bench.aclose()


@final
class RuntimeBench:
    """A runtime while it is held to its promises.

    Attributes:
        subject: what was handed to the kit.
        runtime: under test.
    """

    def __init__(self, subject: RuntimeSubject, runtime: Runtime) -> None:
        self.subject = subject
        self.runtime = runtime
        self._programs: dict[tuple[str, Limits], Program] = {}
        self._instances = itertools.count(1)

    def function(self, sample: str) -> Function:
        """A sample as a function."""
        kind = Kind.SOURCE if sample == "sends" else Kind.DESTINATION
        code = self.subject.samples[sample]
        return Function(
            name=sample, kind=kind, language=self.runtime.language, code=code, file=f"{sample}.sample"
        )

    def limits(self, **changes: Any) -> Limits:
        """Limits that nothing but what is tested runs into, on a machine however busy."""
        given = {"wall": LONGEST, "cpu": LONGEST, "memory": self.subject.memory, **changes}
        return Limits(**given)

    async def program(self, sample: str, **changes: Any) -> Program:
        """The program of a sample under some limits, loaded once."""
        key = sample, self.limits(**changes)
        if key not in self._programs:
            with trio.fail_after(LONGEST):
                self._programs[key] = await self.runtime.load(self.function(sample), key[1])
        return self._programs[key]

    def call(
        self, event: object = None, *, handler: str = "onTrack", settings: object = None, seed: bytes = SEED
    ) -> Call:
        """A call of an instance of its own."""
        argument, values = (
            msgspec.json.encode({} if value is None else value) for value in (event, settings)
        )
        return Call(handler, argument, values, f"kit#{next(self._instances)}", NOW, seed)

    async def reply(
        self, sample: str, event: object = None, host: Host | None = None, **changes: Any
    ) -> Reply:
        """What a call of ``onTrack`` came to."""
        program = await self.program(sample, **changes)
        with trio.fail_after(LONGEST):
            reply = await program.run(self.call(event), host or KitHost())
        assert isinstance(reply, Reply), f"Program.run gives a Reply, not {reply!r}"
        return reply

    async def value(self, sample: str, event: object = None, host: Host | None = None, **changes: Any) -> Any:
        """What a call returned, decoded; None where it returned nothing."""
        return value_of(await self.reply(sample, event, host, **changes))

    async def aclose(self) -> None:
        for program in self._programs.values():
            await program.aclose()
        await self.runtime.aclose()


def value_of(reply: Reply) -> Any:
    """What a call returned, decoded."""
    assert isinstance(reply.ending, Returned), f"it was to return, and ended in {reply.ending!r}"
    assert not reply.ending.note, reply.ending.note
    return msgspec.json.decode(reply.ending.value) if reply.ending.value else None


def thrown(reply: Reply) -> Thrown:
    """What a call threw."""
    assert isinstance(reply.ending, Thrown), f"it was to throw, and ended in {reply.ending!r}"
    return reply.ending


def killed(reply: Reply) -> Killed:
    """What stopped a call."""
    assert isinstance(reply.ending, Killed), f"a limit was to end it, and it ended in {reply.ending!r}"
    assert reply.ending.message, "what ends a call says so"
    return reply.ending


@final
class RuntimeCheck:
    """One promise of runtimes: await it with a bench.

    Attributes:
        name: of the promise.
        needs: samples it is made with.
    """

    def __init__(self, promise: Callable[[RuntimeBench], Awaitable[None]], needs: tuple[str, ...]) -> None:
        self.name: str = promise.__name__
        self.needs = needs
        self._promise = promise

    async def __call__(self, bench: RuntimeBench) -> None:
        """Hold a runtime to it.

        Raises:
            AssertionError: it is not kept.
        """
        with trio.fail_after(2 * LONGEST):
            await self._promise(bench)


RUNTIME_CHECKS: Final[dict[str, RuntimeCheck]] = {}
"""Each promise by its name."""


def check(*needs: str) -> Callable[[Callable[[RuntimeBench], Awaitable[None]]], RuntimeCheck]:
    """Put a check on the list, with the samples it needs."""

    def listed(promise: Callable[[RuntimeBench], Awaitable[None]]) -> RuntimeCheck:
        made = RuntimeCheck(promise, needs)
        RUNTIME_CHECKS[made.name] = made
        return made

    return listed

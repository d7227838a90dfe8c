"""A component's world: one store, one instance, what it holds of its host's, and its clock."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, final

import msgspec
import wasmtime
from wasmtime import component as wc

from isthmus.errors import RuntimeFault
from isthmus_wasmtime._binary import PAGE
from isthmus_wasmtime._kernel import FIRST_NS
from isthmus_wasmtime._wasm import Stopped, attach, detach, watch_epochs

from .handles import Handles
from .linking import Linked, enter, leave
from .native import SIZE, call, context_of, delete, set_owner
from .reading import reading
from .types import Function, Primitive
from .values import pack
from .writing import writing

if TYPE_CHECKING:
    from isthmus_wasmtime._talk import Talk

    from .errands import Errands

__all__ = ["Blueprint", "ComponentWorld", "Exited"]

MOST_TABLE: Final = 1 << 20
"""Elements of a table at the most."""
MOST_INSTANCES: Final = 512
MOST_TABLES: Final = 256
FRAME: Final = re.compile(r"^\s+\d+:\s+0x[0-9a-f]+ - (.+)$", re.MULTILINE)
METER: Final = Function((), Primitive("u32"))
METERING: Final = 1_000_000
"""Fuel for measuring, which is not the call's."""
LOOK: Final = 1000
"""Nanoseconds by which each look at the clock moves it on."""


class Exited(Exception):
    """The component ended itself with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@final
class Blueprint(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What a component's worlds are made from.

    Attributes:
        engine: of the component.
        component: compiled.
        linked: what it imports.
        functions: of the interface it is called through.
        places: where these are among its exports.
        meter: where the function is that says how many pages of memory it has, None where nobody says.
        memories: how many it has.
        memory_cap: bytes of all of them together.
        fuel: units of work a call may take, 0 where they are not counted.
    """

    engine: wasmtime.Engine
    component: wc.Component
    linked: Linked
    functions: dict[str, Function]
    places: dict[str, Any]
    meter: Any
    memories: int
    memory_cap: int
    fuel: int


@final
class ComponentWorld:
    """One instance of a component; one thread uses it at a time.

    Attributes:
        context: wasmtime's, of its store.
        handles: what it holds of its host's.
        talk: what it is talking to while a call runs.
        errands: what the host does for it meanwhile.
        raised: what stopped it, where that was the host.
        stdin: what is left of its standard input.
        memory_bytes: how much memory it had when it was last measured, 0 where nobody says.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        self.handles = Handles()
        self.talk: Talk | None = None
        self.errands: Errands | None = None
        self.raised: BaseException | None = None
        self.stdin = memoryview(b"")
        self.memory_bytes = 0
        self._blueprint = blueprint
        self._written: dict[int, bytearray] = {2: bytearray(), 3: bytearray()}
        self._clock = FIRST_NS
        self._began = 0
        self._chance = b""
        self._instance: wc.Instance | None = None
        self._store = wasmtime.Store(blueprint.engine)
        self._store.set_limits(
            memory_size=blueprint.memory_cap // blueprint.memories,
            table_elements=MOST_TABLE,
            instances=MOST_INSTANCES,
            tables=MOST_TABLES,
            memories=blueprint.memories,
        )
        self.context = context_of(self._store)
        self._number = attach(self)
        watch_epochs(self._store, self._number)
        set_owner(self._store, self._number)
        enter(self, self._number)

    def close(self) -> None:
        """Give back what it holds."""
        self._store.close()
        detach(self._number)
        leave(self._number)
        self.talk = None

    # ------------------------------------------------------------ running

    def start(self) -> None:
        """Make the instance; what of its code runs at the start runs now.

        Raises:
            Stopped: it could not be made.
        """
        self.raised = None
        try:
            self._instance = self._blueprint.linked.linker.instantiate(self._store, self._blueprint.component)
        except wasmtime.WasmtimeError as error:
            raise _stopped(error) from None

    def enter(self, name: str, *arguments: object) -> Any:
        """Call one of the functions of the interface; its result.

        Raises:
            Stopped: it did not return.
            ValueError: what it returned is too much to be read.
        """
        function = self._blueprint.functions[name]
        return self._enter(self._blueprint.places[name], function, arguments)

    def measure(self) -> None:
        """See how much memory it has; while nothing of it runs, and after a call that returned."""
        if self._blueprint.meter is None:
            return
        left = self._store.get_fuel() if self._blueprint.fuel else 0
        if self._blueprint.fuel:
            self._store.set_fuel(METERING)
        try:
            self.memory_bytes = self._enter(self._blueprint.meter, METER, ()) * PAGE
        except Stopped:
            pass  # its time was up just now
        finally:
            if self._blueprint.fuel:
                self._store.set_fuel(left)

    def _enter(self, place: Any, function: Function, arguments: Sequence[object]) -> Any:
        values = ctypes.create_string_buffer(SIZE * (len(arguments) + 1))
        at = ctypes.addressof(values)
        for index, (argument, (_, kind)) in enumerate(zip(arguments, function.parameters, strict=True)):
            ctypes.memmove(at + SIZE * index, pack(writing(kind)(argument, self)), SIZE)
        result = at + SIZE * len(arguments)
        self.raised = None
        try:
            call(
                self._function(place),
                self.context,
                at,
                len(arguments),
                result,
                int(function.result is not None),
            )
            return None if function.result is None else reading(function.result)(result, self)
        except wasmtime.WasmtimeError as error:
            raise _stopped(error) from None
        finally:
            for index in range(len(arguments) + 1):
                delete(at + SIZE * index)

    def _function(self, place: Any) -> wc.Func:
        assert self._instance is not None  # noqa: S101 -- start() comes first
        func = self._instance.get_func(self._store, place)
        if func is None:
            raise RuntimeFault("a component has lost a function")
        return func

    def call(self, operation: int, one: int, other: int) -> int:
        """Nothing: a component calls its host by the host's functions."""
        raise RuntimeFault(f"a component asks for operation {operation} ({one}, {other})")

    def proceed(self) -> bool:
        """Whether the component may run on."""
        return self.speaking().proceed()

    def fail(self, error: BaseException) -> None:
        """Keep what stopped it."""
        if self.raised is None:
            self.raised = error

    def speaking(self) -> Talk:
        """The talk of the call that runs.

        Raises:
            RuntimeFault: none does.
        """
        if self.talk is None:
            raise RuntimeFault("a component asks for something while no call runs")
        return self.talk

    # ------------------------------------------------------------ what a talk does with it

    def begin(self, data: bytes, now_ns: int, *, stdin: bool) -> bytes:
        """Set its clock and its input; nothing of it is left over."""
        self.stdin = memoryview(data if stdin else b"")
        self._clock, self._began, self._chance = FIRST_NS, now_ns, b""
        return b""

    def refuel(self) -> None:
        """Give it the fuel of one call, where fuel is counted."""
        if self._blueprint.fuel:
            self._store.set_fuel(self._blueprint.fuel)

    @property
    def fuel_used(self) -> int:
        """Units of work since :meth:`refuel`, 0 where they are not counted."""
        return self._blueprint.fuel - self._store.get_fuel() if self._blueprint.fuel else 0

    def write(self, stream: int, data: bytes) -> None:
        """Take what it writes to a stream (2: output, 3: log)."""
        self._written[stream] += data
        self.speaking().drain(self, stream)

    def taken(self, stream: int) -> bytes:
        """What it has written to a stream since the last time."""
        data = bytes(self._written[stream])
        self._written[stream].clear()
        return data

    def waited(self, nanoseconds: int) -> None:
        """Move its clock on."""
        self._clock += nanoseconds

    # ------------------------------------------------------------ time and chance

    @property
    def clock(self) -> int:
        """Nanoseconds of its steady clock, not moved on by this look."""
        return self._clock

    def now(self) -> int:
        """Nanoseconds of its steady clock."""
        self.speaking()
        self._clock += LOOK
        return self._clock

    def wall_clock(self) -> int:
        """Nanoseconds since the epoch."""
        return self.now() - FIRST_NS + self._began

    def chance(self, size: int) -> bytes:
        """So many bytes of the call's own randomness."""
        while len(self._chance) < size:
            self._chance += self.speaking().chance()
        drawn, self._chance = self._chance[:size], self._chance[size:]
        return drawn


def _stopped(error: wasmtime.WasmtimeError) -> Stopped:
    message = str(error)
    return Stopped(message, None, tuple(FRAME.findall(message)))

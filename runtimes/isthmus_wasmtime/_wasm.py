"""The little that is reached below wasmtime's Python face, in one place.

A call through ``Func.__call__`` costs several times what the unchecked one does, a host function made by
wasmtime-py keeps the last exception in one global for all threads, and an epoch callback is in the C library
only.  pyproject.toml pins the version this was written for.
"""

from __future__ import annotations

import ctypes
import itertools
from typing import Any, Final, Protocol

import wasmtime
from wasmtime import _bindings as c, _ffi as ffi
from wasmtime._extern import wrap_extern

__all__ = [
    "Boundary",
    "Exports",
    "RawCall",
    "RawMemory",
    "Stopped",
    "attach",
    "detach",
    "first_line",
    "identity",
    "new_engine",
    "new_host_func",
    "new_host_type",
    "watch_epochs",
]

HOST_TYPE: Final = (
    [wasmtime.ValType.i32(), wasmtime.ValType.i64(), wasmtime.ValType.i64()],
    [wasmtime.ValType.i64()],
)


class Stopped(Exception):
    """The guest did not come back by itself.

    Attributes:
        message: what wasmtime says of it.
        code: wasmtime's trap code, None where it was the host that said no.
        frames: names of the functions it was in, innermost first.
    """

    def __init__(self, message: str, code: wasmtime.TrapCode | None, frames: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.frames = frames


class Boundary(Protocol):
    """What a guest calls, and who is asked whether it may go on."""

    def call(self, operation: int, one: int, other: int) -> int:
        """Do something for the guest; what is raised here stops it."""

    def proceed(self) -> bool:
        """Whether the guest may run on; asked at every epoch."""

    def fail(self, error: BaseException) -> None:
        """Keep what was raised, for whoever entered the guest."""


def first_line(error: Exception) -> str:
    """What an error of wasmtime's says, with its cause, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.split(": ", 1)[-1] for line in lines if line[:1].isdigit()]
    return lines[0] + (f": {causes[-1]}" if causes else "") if lines else type(error).__name__


def new_engine(*, fuel: bool = False) -> wasmtime.Engine:
    """An engine whose guests can be stopped; several memories are for the kernel."""
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.wasm_multi_memory = True
    config.wasm_relaxed_simd_deterministic = True
    # Guests are synchronous here; and with it, wasmtime 50 fails on a call that lends its host two handles.
    c.wasmtime_config_concurrency_support_set(config.ptr(), False)
    if fuel:
        config.consume_fuel = True
    return wasmtime.Engine(config)


class Exports:
    """An instance's exports, each looked up when it is asked for: listing them all costs one look-up each."""

    __slots__ = ("_instance", "_store")

    def __init__(self, store: wasmtime.Store, instance: wasmtime.Instance) -> None:
        self._store = store
        self._instance = instance

    def get(self, name: str) -> Any:
        """The export of a name, None where there is none."""
        item = ffi.wasmtime_extern_t()
        encoded = name.encode()
        if not c._wasmtime_instance_export_get(
            self._store._context(),
            ctypes.byref(self._instance._instance),
            encoded,
            len(encoded),
            ctypes.byref(item),
        ):
            return None
        return wrap_extern(item)

    def __getitem__(self, name: str) -> Any:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found


class RawCall:
    """One exported function, called with no conversion of values; integers of up to 64 bits.

    Used by one thread at a time.
    """

    __slots__ = ("_context", "_func", "_size", "_trap", "_values")

    def __init__(self, store: wasmtime.Store, func: wasmtime.Func, values: int) -> None:
        self._context = store._context()
        self._func = func._func
        self._size = max(values, 1)
        self._values = (c.wasmtime_val_raw_t * self._size)()
        self._trap = ctypes.POINTER(ffi.wasm_trap_t)()

    def __call__(self, *arguments: int) -> int:
        values = self._values
        for index, argument in enumerate(arguments):
            values[index].i64 = argument
        error = _call(self._context, ctypes.byref(self._func), values, self._size, ctypes.byref(self._trap))
        if error or self._trap:  # type: ignore[truthy-bool] # a null pointer is false
            self._raise(error)
        return values[0].i64

    def _raise(self, error: Any) -> None:
        if error:
            raise Stopped(str(wasmtime.WasmtimeError._from_ptr(error)), None)
        trap = wasmtime.Trap._from_ptr(self._trap)
        self._trap = ctypes.POINTER(ffi.wasm_trap_t)()
        names = tuple(frame.func_name or f"function {frame.func_index}" for frame in trap.frames)
        raise Stopped(trap.message, trap.trap_code, names)


_call: Final = c._wasmtime_func_call_unchecked


class RawMemory:
    """Where a memory is and how large: wasmtime-py makes several objects to say so, and a call asks nine times."""

    __slots__ = ("_context", "_memory")

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._context = store._context()
        self._memory = ctypes.byref(memory._memory)

    @property
    def size(self) -> int:
        """In bytes."""
        return int(_memory_size(self._context, self._memory))

    @property
    def address(self) -> int:
        """Where it begins."""
        return ctypes.cast(_memory_data(self._context, self._memory), ctypes.c_void_p).value or 0


_memory_size: Final = c._wasmtime_memory_data_size
_memory_data: Final = c._wasmtime_memory_data

# -- the boundary: two C callbacks for all worlds; which world it is comes with the call

_boundaries: Final[dict[int, Boundary]] = {}
_numbers: Final = itertools.count(1)
_no_finalizer: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
CONTINUE: Final = 0
_EpochCallback: Final = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(c.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(c.wasmtime_update_deadline_kind_t),
)


def attach(boundary: Boundary) -> int:
    """Give a boundary a number that C code knows it by; until :func:`detach`."""
    number = next(_numbers)
    _boundaries[number] = boundary
    return number


def detach(number: int) -> None:
    """Forget a boundary; its store is closed."""
    _boundaries.pop(number, None)


def new_host_type() -> wasmtime.FuncType:
    """The type of the function below; of one engine, as wasmtime ties it to the first that it is used with."""
    return wasmtime.FuncType(*HOST_TYPE)


def new_host_func(store: wasmtime.Store, kind: wasmtime.FuncType, number: int) -> wasmtime.Func:
    """The function of one store through which its guest reaches the boundary."""
    raw = ffi.wasmtime_func_t()
    c.wasmtime_func_new_unchecked(
        store._context(), kind.ptr(), _on_call, number, _no_finalizer, ctypes.byref(raw)
    )
    return wasmtime.Func._from_raw(raw)


def watch_epochs(store: wasmtime.Store, number: int) -> None:
    """Have the boundary asked at every epoch."""
    c.wasmtime_store_epoch_deadline_callback(store.ptr(), _on_epoch, number, _no_finalizer)
    store.set_epoch_deadline(1)


def identity(func: wasmtime.Func) -> bytes:
    """What tells a function of a store from the others."""
    return ctypes.string_at(ctypes.byref(func._func), ctypes.sizeof(func._func))


@c.wasmtime_func_unchecked_callback_t  # type: ignore[untyped-decorator]
def _on_call(number: int, _caller: Any, values: Any, _count: int) -> int:
    boundary = _boundaries[number]
    try:
        values[0].i64 = boundary.call(values[0].i32, values[1].i64, values[2].i64)
    except BaseException as error:  # noqa: BLE001 -- nothing may pass through the foreign frames below
        boundary.fail(error)
        return ctypes.cast(c.wasmtime_trap_new(b"stopped", 7), ctypes.c_void_p).value or 0
    return 0


@_EpochCallback  # type: ignore[untyped-decorator]
def _on_epoch(_context: Any, number: int, delta: Any, kind: Any) -> int:
    boundary = _boundaries[number]
    try:
        go_on = boundary.proceed()
    except BaseException as error:  # noqa: BLE001 -- as above
        boundary.fail(error)
        go_on = False
    if go_on:
        delta[0] = 1
        kind[0] = CONTINUE
        return 0
    return ctypes.cast(c.wasmtime_error_new(b"stopped"), ctypes.c_void_p).value or 0

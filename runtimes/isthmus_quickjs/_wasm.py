"""The little that is reached below wasmtime's Python face, in one place.

wasmtime-py's ``Func.__call__`` costs about 9 µs, the unchecked call about 2, and a call from the guest to the host likewise;
an epoch callback and the size of the stack are in the C library only.  pyproject.toml pins the version this was written for.

Only what runs a guest gives up Python's lock: a thread that gives it up for a moment's work has to wait for all that the
Trio thread is computing until it gets it back.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

import wasmtime
from wasmtime import _bindings as c, _ffi as ffi

__all__ = [
    "WASM_STACK",
    "Exports",
    "RawCall",
    "Stopped",
    "define_raw",
    "increment_epoch",
    "new_engine",
    "on_epoch",
    "set_epoch_deadline",
]

WASM_STACK: Final = 24 * 1024 * 1024
"""Bytes of native stack that WebAssembly may use.

QuickJS counts the stack of the C machine, wasmtime the native one.  This is large enough for
QuickJS's count to be reached first, so that an author sees a RangeError; threads that run guests have more.
"""

INTERRUPT: Final = wasmtime.TrapCode.INTERRUPT


class Stopped(Exception):
    """The guest did not come back by itself.

    Attributes:
        code: wasmtime's trap code, None where an epoch callback said no.
    """

    def __init__(self, message: str, code: wasmtime.TrapCode | None) -> None:
        super().__init__(message)
        self.code = code


def new_engine(stack: int) -> wasmtime.Engine:
    """An engine with epochs, several memories, and so many bytes of native stack for a guest."""
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.wasm_multi_memory = True
    c.wasmtime_config_memory_may_move_set(config.ptr(), False)  # the host knows where each begins
    # The one must be raised before the other, or the engine aborts the process.
    c.wasmtime_config_async_stack_size_set(config.ptr(), stack + 1024 * 1024)
    config.max_wasm_stack = stack
    return wasmtime.Engine(config)


class Exports:
    """An instance's exports, each looked up once and by its type."""

    __slots__ = ("_exports",)

    def __init__(self, store: wasmtime.Store, instance: wasmtime.Instance) -> None:
        self._exports = instance.exports(store)

    def func(self, name: str) -> wasmtime.Func:
        extern = self._exports[name]
        assert isinstance(extern, wasmtime.Func)  # noqa: S101 -- our own modules
        return extern

    def memory(self, name: str) -> wasmtime.Memory:
        extern = self._exports[name]
        assert isinstance(extern, wasmtime.Memory)  # noqa: S101 -- our own modules
        return extern

    def global_(self, name: str) -> wasmtime.Global:
        extern = self._exports[name]
        assert isinstance(extern, wasmtime.Global)  # noqa: S101 -- our own modules
        return extern


class RawCall:
    """One exported function of integers, called with no conversion of values.

    Used by one thread at a time.  Arguments are masked to 64 bits by ctypes.
    """

    __slots__ = ("_context", "_func", "_size", "_trap", "_values")

    def __init__(self, store: wasmtime.Store, func: wasmtime.Func, parameters: int) -> None:
        self._context = store._context()
        self._func = func._func
        self._size = max(parameters, 1)
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
        raise Stopped(trap.message, trap.trap_code)


_call: Final = c._wasmtime_func_call_unchecked

_Words = ctypes.POINTER(ctypes.c_uint32)
_Callback: Final = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, _Words, ctypes.c_size_t
)
STRIDE: Final = ctypes.sizeof(c.wasmtime_val_raw_t) // ctypes.sizeof(ctypes.c_uint32)
_callbacks: Final[dict[int, object]] = {}
"""What a linker or one of its stores may still call, by what they give back when they no longer do."""


def define_raw(
    linker: wasmtime.Linker,
    module: str,
    name: str,
    answer: Callable[..., int] | Callable[..., None],
    *,
    parameters: int,
    returns: bool = True,
) -> None:
    """Define a function of 32-bit integers that the guest imports, called with no conversion of values.

    Args:
        linker: where to.
        module: what the guest imports it from.
        name: what the guest calls it.
        answer: what it does. An exception out of it is a trap.
        parameters: how many; each is handed over as a number from 0 below 2**32.
        returns: the guest expects an integer back.
    """
    places = range(0, parameters * STRIDE, STRIDE)

    def callback(_data: Any, _caller: Any, values: Any, _count: int) -> int:
        try:
            # Values are little-endian whatever the machine: the first word of each is all of it.
            given = answer(*[values[place] for place in places])
            if returns:
                values[0] = given
        except BaseException:  # noqa: BLE001 -- nothing may pass through the foreign frames below
            return ctypes.cast(wasmtime.Trap("the host failed")._consume(), ctypes.c_void_p).value or 0
        return 0

    kept = _Callback(callback)
    _callbacks[id(kept)] = kept
    i32 = wasmtime.ValType.i32()
    signature = wasmtime.FuncType([i32] * parameters, [i32] * returns)
    error = c.wasmtime_linker_define_func_unchecked(
        linker.ptr(),
        ctypes.create_string_buffer(module.encode()),
        len(module.encode()),
        ctypes.create_string_buffer(name.encode()),
        len(name.encode()),
        signature.ptr(),
        ctypes.cast(kept, c.wasmtime_func_unchecked_callback_t),
        id(kept),
        _forget,
    )
    if error:  # type: ignore[truthy-bool] # a null pointer is false
        raise wasmtime.WasmtimeError._from_ptr(error)


def _drop(key: int) -> None:
    _callbacks.pop(key, None)


_forget: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_drop)


_keeping_lock: Final = ctypes.PyDLL(ffi.dll._name, handle=ffi.dll._handle)
_set_deadline: Final = _keeping_lock.wasmtime_context_set_epoch_deadline
_set_deadline.argtypes = [ctypes.POINTER(c.wasmtime_context_t), ctypes.c_uint64]
_set_deadline.restype = None
_increment: Final = _keeping_lock.wasmtime_engine_increment_epoch
_increment.argtypes = [ctypes.POINTER(ffi.wasm_engine_t)]
_increment.restype = None


def increment_epoch(engine: wasmtime.Engine) -> None:
    """``Engine.increment_epoch``, Python's lock being kept."""
    _increment(engine.ptr())


def set_epoch_deadline(store: wasmtime.Store, ticks: int) -> None:
    """``Store.set_epoch_deadline``, Python's lock being kept: have the store's guest looked at after so many epochs."""
    _set_deadline(store._context(), ticks)


_EpochCallback: Final = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(c.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(c.wasmtime_update_deadline_kind_t),
)
_no_finalizer: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
CONTINUE: Final = 0


def on_epoch(store: wasmtime.Store, proceed: Callable[[], bool]) -> object:
    """Ask ``proceed`` at every epoch while the store's guest runs; on False the guest is stopped.

    Returns what must be kept for as long as the store lives.
    """

    def callback(_context: Any, _data: Any, delta: Any, kind: Any) -> int:
        try:
            go_on = proceed()
        except BaseException:  # noqa: BLE001 -- nothing may pass through the foreign frames below
            go_on = False
        if go_on:
            delta[0] = 1
            kind[0] = CONTINUE
            return 0
        error = c.wasmtime_error_new(b"stopped")
        return ctypes.cast(error, ctypes.c_void_p).value or 0

    kept = _EpochCallback(callback)
    c.wasmtime_store_epoch_deadline_callback(store.ptr(), kept, None, _no_finalizer)
    store.set_epoch_deadline(1)
    return kept

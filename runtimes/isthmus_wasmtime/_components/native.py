"""The little of components that is reached below wasmtime's Python face, in one place; addresses are plain numbers."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from ctypes import POINTER, c_size_t, c_uint32, c_void_p
from typing import Any, Final

import wasmtime
from wasmtime import _ffi as ffi, component as wc

__all__ = [
    "PAIR",
    "SIZE",
    "add_func",
    "add_resource",
    "boxed",
    "call",
    "context_of",
    "count_of",
    "delete",
    "handle_of",
    "name_of",
    "on_call",
    "on_drop",
    "record_of",
    "rep_of",
    "set_owner",
    "vector_of",
]

PAIR: Final = struct.Struct("<QQ")
"""A vector: its length and its place."""
SIZE: Final = 32
"""Bytes of a value."""

if ctypes.sizeof(ffi.wasmtime_component_val_t) != SIZE:
    raise ImportError("wasmtime's component values are laid out otherwise than this was written for")


def _plain(name: str, result: Any, *arguments: Any) -> Any:
    """One of wasmtime's functions, for plain addresses."""
    function = ffi.dll[name]
    function.restype = result
    function.argtypes = arguments
    return function


# -- values

_bytes: Final = _plain("wasm_byte_vec_new", None, c_void_p, c_size_t, ctypes.c_char_p)
_list: Final = _plain("wasmtime_component_vallist_new_uninit", None, c_void_p, c_size_t)
_record: Final = _plain("wasmtime_component_valrecord_new_uninit", None, c_void_p, c_size_t)
_boxed: Final = _plain("wasmtime_component_val_new", c_void_p, c_void_p)
_delete: Final = _plain("wasmtime_component_val_delete", None, c_void_p)


_Vector: Final = ctypes.c_uint64 * 2


def name_of(data: bytes) -> tuple[int, int]:
    """A string's length and place, of its bytes."""
    return _filled(_bytes, len(data), data)


def vector_of(values: bytes | bytearray) -> tuple[int, int]:
    """A list's or a tuple's length and place, of its values one after the other."""
    size, data = _filled(_list, len(values) // SIZE)
    ctypes.memmove(data, bytes(values), len(values))
    return size, data


def record_of(entries: bytes, count: int) -> tuple[int, int]:
    """A record's length and place, of its names and values one after the other."""
    size, data = _filled(_record, count)
    ctypes.memmove(data, entries, len(entries))
    return size, data


def boxed(value: bytes) -> int:
    """The place of a value of its own."""
    # What it is given is taken out of it, so that it has to be a copy.
    return _boxed(ctypes.create_string_buffer(value, SIZE)) or 0


def delete(address: int) -> None:
    """Free what a value holds."""
    _delete(address)


def _filled(new: Any, *arguments: Any) -> tuple[int, int]:
    """What a function of wasmtime has made room for: its length and its place."""
    vector = _Vector()
    new(vector, *arguments)
    size, data = vector
    return size, data


# -- handles

_to_host: Final = _plain(
    "wasmtime_component_resource_any_to_host", c_void_p, c_void_p, c_void_p, POINTER(c_void_p)
)
_to_any: Final = _plain(
    "wasmtime_component_resource_host_to_any", c_void_p, c_void_p, c_void_p, POINTER(c_void_p)
)
_host_rep: Final = _plain("wasmtime_component_resource_host_rep", c_uint32, c_void_p)
_host_type: Final = _plain("wasmtime_component_resource_host_type", c_uint32, c_void_p)
_host_new: Final = _plain("wasmtime_component_resource_host_new", c_void_p, ctypes.c_bool, c_uint32, c_uint32)
_host_delete: Final = _plain("wasmtime_component_resource_host_delete", None, c_void_p)
_error_delete: Final = _plain("wasmtime_error_delete", None, c_void_p)


def rep_of(context: Any, handle: int) -> tuple[int, int] | None:
    """What a handle of the host's stands for, and of which kind it is; None for another's."""
    host = c_void_p()
    if error := _to_host(context, handle, ctypes.byref(host)):
        _error_delete(error)
        return None
    found = _host_rep(host), _host_type(host)
    _host_delete(host)
    return found


def handle_of(context: Any, rep: int, kind: int) -> int | None:
    """The place of a new handle; None where wasmtime takes no more."""
    host = _host_new(True, rep, kind)
    made = c_void_p()
    error = _to_any(context, host, ctypes.byref(made))
    _host_delete(host)
    if error:
        _error_delete(error)
        return None
    return made.value


# -- types


def count_of(kind: wc.ComponentType | wc.ComponentInstanceType, what: str, engine: wasmtime.Engine) -> int:
    """How many ``imports`` or ``exports`` a component or an instance has: listing them may take long."""
    place = "component_instance" if isinstance(kind, wc.ComponentInstanceType) else "component"
    count = getattr(ffi, f"wasmtime_{place}_type_{what.removesuffix('s')}_count")
    return int(count(kind.ptr(), engine.ptr()))


# -- functions

_call: Final = _plain(
    "wasmtime_component_func_call",
    POINTER(ffi.wasmtime_error_t),
    c_void_p,
    c_void_p,
    c_void_p,
    c_size_t,
    c_void_p,
    c_size_t,
)
_add_func: Final = _plain(
    "wasmtime_component_linker_instance_add_func",
    POINTER(ffi.wasmtime_error_t),
    c_void_p,
    ctypes.c_char_p,
    c_size_t,
    c_void_p,
    c_void_p,
    c_void_p,
)
_add_resource: Final = _plain(
    "wasmtime_component_linker_instance_add_resource",
    POINTER(ffi.wasmtime_error_t),
    c_void_p,
    ctypes.c_char_p,
    c_size_t,
    c_void_p,
    c_void_p,
    c_void_p,
    c_void_p,
)
_data_of: Final = _plain("wasmtime_context_get_data", c_void_p, c_void_p)
_no_finalizer: Final = ctypes.CFUNCTYPE(None, c_void_p)()
_OnCall: Final = ctypes.CFUNCTYPE(
    c_size_t, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t
)
_OnDrop: Final = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_uint32)


def context_of(store: wasmtime.Store) -> Any:
    """What wasmtime calls a store by."""
    return store._context()


def set_owner(store: wasmtime.Store, number: int) -> None:
    """Have the callbacks below be told this number of the store."""
    ffi.wasmtime_context_set_data(store._context(), number)


def call(func: wc.Func, context: Any, arguments: int, count: int, results: int, result_count: int) -> None:
    """Call a component's function with values that lie one after the other.

    Raises:
        wasmtime.WasmtimeError: it did not return.
    """
    _check(_call(ctypes.byref(func._func), context, arguments, count, results, result_count))


def on_call(serve: Callable[[int, int, int, int], bool]) -> Any:
    """A C callback for functions: ``serve(owner, function, arguments, results)`` says whether the guest may go on."""

    def called(
        number: int, context: int, _type: int, arguments: int, _count: int, results: int, _results: int
    ) -> int:
        if serve(_data_of(context), number, arguments or 0, results or 0):
            return 0
        return ctypes.cast(ffi.wasmtime_error_new(b"stopped"), c_void_p).value or 0

    return _OnCall(called)


def on_drop(forget: Callable[[int, int], None]) -> Any:
    """A C callback for handles that are let go of: ``forget(owner, rep)``."""

    def dropped(_number: int, context: int, rep: int) -> int:
        forget(_data_of(context), rep)
        return 0

    return _OnDrop(dropped)


def add_func(instance: wc.LinkerInstance, name: str, callback: Any, number: int) -> None:
    """Define a function of an instance."""
    encoded = name.encode()
    _check(_add_func(instance.ptr(), encoded, len(encoded), callback, number, _no_finalizer))


def add_resource(instance: wc.LinkerInstance, name: str, kind: int, callback: Any) -> None:
    """Define a resource of an instance."""
    encoded = name.encode()
    resource = wc.ResourceType.host(kind)
    _check(
        _add_resource(instance.ptr(), encoded, len(encoded), resource.ptr(), callback, None, _no_finalizer)
    )


def _check(error: Any) -> None:
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)

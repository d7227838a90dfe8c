"""Linking: what a component imports, as functions that wasmtime calls.

One C callback serves all functions of all worlds: which function it is comes with the call, and whose it is says
the store.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import wasmtime
from wasmtime import component as wc

from isthmus.abc import Thrown
from isthmus_wasmtime._course import Ended

from .fitting import Asked
from .handles import number_of
from .native import SIZE, add_func, add_resource, on_call, on_drop
from .offers import OFFERS
from .reading import Read, reading
from .values import pack
from .writing import Write, writing

if TYPE_CHECKING:
    from .world import ComponentWorld

__all__ = ["Linked", "enter", "leave"]

_worlds: Final[dict[int, ComponentWorld]] = {}
_offered: Final[dict[int, _Offered]] = {}
_numbers: Final = itertools.count(1)


class Linked:
    """A linker that has what a component asks for, and nothing else.

    Attributes:
        linker: makes instances of the component.
    """

    def __init__(self, engine: wasmtime.Engine, asked: Sequence[Asked]) -> None:
        self.linker = wc.Linker(engine)
        self._numbers: list[int] = []
        with self.linker.root() as root:
            for interface in asked:
                with root.add_instance(interface.name) as instance:
                    self._fill(instance, interface)

    def _fill(self, instance: wc.LinkerInstance, interface: Asked) -> None:
        for name, resource in interface.resources.items():
            add_resource(instance, name, number_of(resource), _on_drop)
        for name, function in interface.functions.items():
            offered = _Offered(_unreachable, [], None)
            if function is not None:
                act = OFFERS[interface.name.partition("@")[0], name]
                reads = [reading(each) for _, each in function.parameters]
                offered = _Offered(act, reads, None if function.result is None else writing(function.result))
            number = next(_numbers)
            _offered[number] = offered
            self._numbers.append(number)
            add_func(instance, name, _on_call, number)

    def close(self) -> None:
        """Forget its functions; no world uses it any more."""
        self.linker.close()
        for number in self._numbers:
            _offered.pop(number, None)


class _Offered:
    """One function as one linker has it."""

    def __init__(self, act: Callable[..., Any], reads: Sequence[Read], write: Write | None) -> None:
        self._act = act
        self._reads = reads
        self._write = write

    def serve(self, world: ComponentWorld, arguments: int, results: int) -> None:
        values = [read(arguments + SIZE * index, world) for index, read in enumerate(self._reads)]
        try:
            value = self._act(world, *values)
        except ValueError as error:
            raise Ended(Thrown("TypeError", str(error))) from None
        if self._write is not None:
            ctypes.memmove(results, pack(self._write(value, world)), SIZE)


def enter(world: ComponentWorld, number: int) -> None:
    """Have the calls of a store whose owner is ``number`` reach its world; until :func:`leave`."""
    _worlds[number] = world


def leave(number: int) -> None:
    """The store is closed."""
    _worlds.pop(number, None)


def _unreachable(_world: ComponentWorld) -> None:
    raise Ended(Thrown("Error", "a function was called of what is not given here"))


def _serve(owner: int, number: int, arguments: int, results: int) -> bool:
    world = _worlds[owner]
    try:
        _offered[number].serve(world, arguments, results)
    except BaseException as error:  # noqa: BLE001 -- nothing may pass through the foreign frames below
        world.fail(error)
        return False
    return True


def _forget(owner: int, rep: int) -> None:
    if world := _worlds.get(owner):
        world.handles.drop(rep)


_on_call: Final = on_call(_serve)
_on_drop: Final = on_drop(_forget)

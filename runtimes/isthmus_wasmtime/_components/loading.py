"""Loading a component: from its binary to a program that has been tried out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec
import wasmtime
from wasmtime import component as wc

from isthmus.errors import LoadError
from isthmus_wasmtime._binary import custom_of
from isthmus_wasmtime._image import Original, Workshop
from isthmus_wasmtime._shape import SECTION
from isthmus_wasmtime._wasm import Stopped, first_line
from isthmus_wasmtime._ways import EVERY_HANDLER, declared_handlers, known_handlers

from . import ambient as ambient, http as http
from .fitting import HANDLERS, given, offered, wanted
from .function import HANDLER_NAMES
from .linking import Linked
from .meter import PAGES
from .program import CommandWay, ComponentProgram, FunctionWay, said
from .rehearsal import rehearsal
from .world import Blueprint, ComponentWorld

if TYPE_CHECKING:
    from isthmus.functions import Function
    from isthmus.limits import Limits
    from isthmus_wasmtime._crew import Crew

__all__ = ["load_component"]

MOST_MEMORIES: Final = 8


def load_component(
    code: bytes, function: Function, limits: Limits, workshop: Workshop, crew: Crew, *, fuel: int
) -> ComponentProgram:
    """Make a program of a component; not in the Trio thread.

    Raises:
        LoadError: it is invalid, asks for what is not given, offers nothing that is run here, or does not fit
            its limits.
    """
    file = function.file
    try:
        component, has_meter = workshop.component(Original(code))
    except wasmtime.WasmtimeError as error:
        raise LoadError(f"the component is not valid: {first_line(error)}", file=file) from None
    asked = wanted(component, workshop.engine, file)
    wish, name = offered(component, workshop.engine, file)
    keep = function.isolation == "instance"
    if keep and wish != HANDLERS:
        raise LoadError(
            "isolation='instance' keeps a world from call to call, and a command ends with its call: "
            "use isolation='call', or write the function for the world isthmus:function/function",
            file=file,
        )
    linked = Linked(workshop.engine, asked)
    try:
        functions = given()[wish].functions
        blueprint = Blueprint(
            engine=workshop.engine,
            component=component,
            linked=linked,
            functions=functions,
            places=_places(component, name, functions),
            meter=component.get_export_index(PAGES) if has_meter else None,
            memories=1,
            memory_cap=limits.memory,
            fuel=fuel,
        )
        declared = declared_handlers(custom_of(code, SECTION), file)
        known_handlers(declared, file)
        with crew.clock:
            blueprint, told = _tried(blueprint, limits, file, asks=wish == HANDLERS)
    except BaseException:
        linked.close()
        raise
    handlers = frozenset(declared) or told
    way = FunctionWay(limits) if wish == HANDLERS else CommandWay(limits)
    return ComponentProgram(blueprint, way, handlers, limits, crew, keep_worlds=keep)


def _places(component: wc.Component, interface: str, names: Iterable[str]) -> dict[str, wc.ExportIndex]:
    """Where functions of an interface are among a component's exports; that they are there has been looked at."""
    outer = component.get_export_index(interface)
    found = {name: component.get_export_index(name, outer) for name in names}
    return {name: index for name, index in found.items() if index is not None}


def _tried(
    blueprint: Blueprint, limits: Limits, file: str, *, asks: bool
) -> tuple[Blueprint, frozenset[str]]:
    """The blueprint with as many memories as the component has, and the handlers that it says it has."""
    for memories in range(1, MOST_MEMORIES + 1):
        # What its memories may have together is what a call may have.
        blueprint = msgspec.structs.replace(blueprint, memories=memories)
        world = ComponentWorld(blueprint)
        try:
            return blueprint, _asked(world, limits, file, asks=asks)
        except Stopped as stop:
            if "memory count" not in stop.message:
                raise LoadError(_why(world, stop, asks=asks), file=file) from None
        except ValueError as error:
            raise LoadError(f"its function 'offered' returned too much: {error}", file=file) from None
        finally:
            world.close()
    raise LoadError(f"it has more than {MOST_MEMORIES} memories", file=file)


def _asked(world: ComponentWorld, limits: Limits, file: str, *, asks: bool) -> frozenset[str]:
    talk = rehearsal(limits)
    talk.begin(None)
    talk.open(world)
    try:
        world.start()
        if not asks:
            return frozenset(EVERY_HANDLER)
        handlers = frozenset(HANDLER_NAMES[name] for name in world.enter("offered"))
    finally:
        talk.close(world)
    if not handlers:
        raise LoadError("its function 'offered' names no handler", file=file)
    return handlers


def _why(world: ComponentWorld, stop: Stopped, *, asks: bool) -> str:
    what = "its function 'offered' did not return" if asks else "no world can be made of the component"
    return f"{what}: {world.raised or said(stop)}"

"""Loading a module: from its binary to a program whose worlds have been tried out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import wasmtime

from isthmus.abc import Program
from isthmus.errors import LoadError

from ._binary import PAGE, is_component
from ._command import Command
from ._components.loading import load_component
from ._image import Image, Original, Started, Workshop
from ._kernel import CLOCK_AT, FIRST_NS, PAGES
from ._pieces import Malformed
from ._plugin import Plugin
from ._program import ModuleProgram
from ._shape import Shape
from ._wasm import Stopped, first_line
from ._ways import Way, recognise
from ._world import World

if TYPE_CHECKING:
    from isthmus.functions import Function
    from isthmus.limits import Limits

    from ._crew import Crew

__all__ = ["load_module"]

LOADING: Final = 2.0
"""Seconds that a guest's start may take while it is loaded, also where calls have less."""
CALLABLE: Final = frozenset({"->", "-> i32", "-> i64"})
"""Types of functions that are entered here; calls are unchecked, so that any other would reach beyond what it is given."""


def load_module(
    code: bytes,
    function: Function,
    limits: Limits,
    workshop: Workshop,
    crew: Crew,
    *,
    handlers: Mapping[str, str] | None,
    fuel: int,
) -> Program:
    """Make a program of a module or a component; not in the Trio thread.

    Raises:
        LoadError: it is invalid, of no kind that is run here, or does not fit its limits.
    """
    file = function.file
    if is_component(code):
        if handlers:
            raise LoadError(
                "WasmtimeRuntime(handlers=) names exports of core modules, and this is a component: it says itself which "
                "handlers it has, by isthmus:function/handlers or in a section isthmus:handlers",
                file=file,
            )
        return load_component(code, function, limits, workshop, crew, fuel=fuel)
    original = Original(code)
    try:
        shape = workshop.shape(original)
    except wasmtime.WasmtimeError as error:
        raise LoadError(f"the module is not valid: {first_line(error)}", file=file) from None
    except Malformed as error:
        raise LoadError(f"the module has what no world has: {error}", file=file) from None
    way = recognise(shape, file, handlers)
    _refuse_uncallable(shape, way, file)
    keep = function.isolation == "instance"
    if keep and way.name == "command":
        raise LoadError(
            "isolation='instance' keeps a world from call to call, and a WASI command ends with its call: "
            "use isolation='call', or write the function as a WASI reactor or an Extism plug-in",
            file=file,
        )
    try:
        image = workshop.image(
            original, shape, starts=way.starts, memory_cap=max(limits.memory, PAGES * PAGE), fuel=fuel
        )
        with crew.clock:
            image = _tried(image, workshop, limits, file)
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        raise LoadError(f"no world can be made of the module: {first_line(error)}", file=file) from None
    running = Plugin(way.entries, limits) if way.name == "plugin" else Command(way.entries, limits)
    return ModuleProgram(image, running, frozenset(way.entries), limits, crew, keep_worlds=keep)


def _refuse_uncallable(shape: Shape, way: Way, file: str) -> None:
    """See that what will be entered takes nothing."""
    for name in (*way.starts, *way.entries.values()):
        signature = shape.signatures[name]
        if signature not in CALLABLE:
            raise LoadError(
                f"its export {name!r} has the type ({signature or 'of an import'}); what is called takes nothing, "
                "and gives nothing or one whole number",
                file=file,
            )


def _tried(image: Image, workshop: Workshop, limits: Limits, file: str) -> Image:
    """The image, started if that can be done once for all worlds; renewable if that works here."""
    if image.pages * PAGE > limits.memory:
        raise LoadError(
            f"the module begins with {image.pages * PAGE} bytes of memory, more than its limit of {limits.memory}",
            file=file,
        )
    world = World(image)
    try:
        if image.starts:
            if (started := _start(world, max(LOADING, min(limits.wall, limits.cpu)))) is None:
                return workshop.without_renewal(image)
            image = workshop.after(image, started)
    finally:
        world.close()
    return image if image.renewable and _renewal_works(image) else workshop.without_renewal(image)


def _start(world: World, seconds: float) -> Started | None:
    """Start a guest; what it holds then, or None where each world has to start by itself."""
    world.deadline = time.monotonic() + seconds
    try:
        world.start()
    except Stopped:
        return None  # it wants something of its host, or fails: each call shall see for itself
    finally:
        world.deadline = None
    if world.asked or world.read_u32(CLOCK_AT) != FIRST_NS & 0xFFFFFFFF or world.tables_changed():
        return None  # time and chance are a call's own, and so never in an image
    return world.started()


def _renewal_works(image: Image) -> bool:
    """Whether a world that was written all over is as new once it has been put back."""
    world = World(image)
    try:
        before = world.memory()
        world.scribble()
        return world.renew() and world.memory() == before
    finally:
        world.close()

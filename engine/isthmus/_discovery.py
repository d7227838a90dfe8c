"""Finds plugins, each guarded, and hands out what they implement of a hook: a typed face over pluggy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import msgspec
import pluggy

from . import hookspecs
from .errors import PluginError

__all__ = ["Discovery", "Found", "PluginInfo", "said"]

logger = logging.getLogger("isthmus")

GROUP = "isthmus"
REQUIRES = "isthmus_requires"
"""An attribute of a plugin that says which versions of the engine it is for: ``">=1.2,<2"``."""


@final
class PluginInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin, as an engine found it.

    Attributes:
        name: of its entry point, or of the object handed in.
        version: of its distribution, or "".
        distribution: which it was installed with, or "" for one handed in.
        offers: what is had from it: ``runtime javascript``, ``fetcher``, ``command bundle``.
        error: why it, or a part of it, is not used; else "".
    """

    name: str
    version: str = ""
    distribution: str = ""
    offers: tuple[str, ...] = ()
    error: str = ""


@final
class Found:
    """A plugin while it is being looked at."""

    __slots__ = ("distribution", "errors", "logged", "name", "offers", "out", "plugin", "version")

    def __init__(self, name: str, distribution: str = "", version: str = "", *, logged: bool) -> None:
        self.name = name
        self.distribution = distribution
        self.version = version
        self.plugin: object = None
        self.offers: list[str] = []
        self.errors: list[str] = []
        self.out = False
        self.logged = logged

    @property
    def hooks(self) -> tuple[str, ...]:
        """Names of the hooks that it implements, known ones and others."""
        return tuple(name for name in dir(self.plugin) if _is_implementation(self.plugin, name))

    def leave_out(self, error: str) -> None:
        self.report(error, "plugin %r is left out: %s")
        self.offers.clear()
        self.out = True

    def report(self, error: str, form: str = "plugin %r: %s") -> None:
        self.errors.append(error)
        if self.logged:
            logger.error(form, self.name, error)

    def info(self) -> PluginInfo:
        return PluginInfo(
            name=self.name,
            version=self.version,
            distribution=self.distribution,
            offers=tuple(self.offers),
            error="; ".join(self.errors),
        )


@final
class Discovery:
    """The plugins there are, each in a guard of its own.

    Entry points come first and what is handed in last; pluggy asks in the reverse order.

    Args:
        plugins: modules or objects with hook implementations.
        load_entry_points: look for installed ones as well.
        logged: errors go to the log, beside ``infos``.

    Raises:
        PluginError: what was handed in is no plugin.
    """

    def __init__(self, plugins: Sequence[object], *, load_entry_points: bool, logged: bool = True) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self.found: list[Found] = []
        self._logged = logged
        if load_entry_points:
            self._load_entry_points()
        for plugin in plugins:
            self._take(plugin)

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """What is known of each by now, in the order in which they were found."""
        return tuple(found.info() for found in self.found)

    # ------------------------------------------------------------ finding

    def _load_entry_points(self) -> None:
        from importlib.metadata import entry_points  # costs 10 ms of import, which not everyone needs

        for entry_point in entry_points(group=GROUP):
            distribution = entry_point.dist
            found = Found(
                entry_point.name,
                *((distribution.name, distribution.version) if distribution is not None else ()),
                logged=self._logged,
            )
            self.found.append(found)
            try:
                found.plugin = entry_point.load()
            except (Exception, SystemExit) as exc:  # noqa: BLE001 -- reported; a module may say sys.exit() as it is imported
                found.leave_out(f"{entry_point.value} does not load: {said(exc)}")
            else:
                self._register(found)

    def _take(self, plugin: object) -> None:
        if self._manager.is_registered(plugin):
            return  # an installed one that is also handed in
        if not any(_is_implementation(plugin, name) for name in dir(plugin)):
            raise PluginError(
                f"a plugin is a module or an object with functions marked by isthmus.hookspecs.hookimpl; "
                f"{plugin!r} has none"
            )
        name = getattr(plugin, "__name__", None) or type(plugin).__name__
        taken = {found.name for found in self.found}
        number = 2
        unique = name
        while unique in taken:
            unique = f"{name}-{number}"
            number += 1
        found = Found(unique, logged=self._logged)
        found.plugin = plugin
        self.found.append(found)
        self._register(found)

    def _register(self, found: Found) -> None:
        if self._manager.is_registered(found.plugin):
            found.leave_out("another entry point names the same plugin")
            return
        if reason := _unfit(found.plugin):
            found.leave_out(reason)
            return
        # pluggy wants unique names, and two distributions may agree on one.
        unique = f"{found.name} {id(found.plugin)}" if self._manager.has_plugin(found.name) else found.name
        try:
            self._manager.register(found.plugin, unique)
        except Exception as exc:  # noqa: BLE001 -- reported; of pluggy's checks, or of a property that pluggy looked at
            if self._manager.is_registered(found.plugin):
                self._manager.unregister(found.plugin)
            found.leave_out(said(exc))
            return
        callers = self._manager.get_hookcallers(found.plugin) or []
        for caller in callers:
            if not caller.has_spec():
                # Perhaps of a later version of the engine: the rest of the plugin serves.
                found.report(f"there is no hook {caller.name}")
        if not callers:
            found.leave_out("it implements no hook")

    # ------------------------------------------------------------ asking

    def implementations(self, hook: str) -> Iterator[tuple[Found, Callable[[], Any]]]:
        """Each plugin's function, in pluggy's order; called one by one, so that each can be guarded."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        for implementation in reversed(caller.get_hookimpls()):
            found = next(found for found in self.found if found.plugin is implementation.plugin)
            if found.out:
                continue
            if implementation.wrapper or implementation.hookwrapper:
                found.leave_out(f"{hook} is no hook that can be wrapped")
                continue
            yield found, implementation.function


def _is_implementation(plugin: object, name: str) -> bool:
    try:
        return hasattr(getattr(plugin, name), f"{GROUP}_impl")
    except Exception:  # noqa: BLE001 -- a property of the plugin's; registering it will report it
        return False


def _unfit(plugin: object) -> str:
    """Why a plugin is not for this engine, by what its ``isthmus_requires`` says; "" where it is."""
    try:
        wanted = getattr(plugin, REQUIRES, None)
    except Exception:  # noqa: BLE001 -- a property of the plugin's
        return ""
    if wanted is None:
        return ""
    from importlib.metadata import version

    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    here = version("isthmus")
    try:
        fits = SpecifierSet(wanted).contains(here, prereleases=True)
    except (InvalidSpecifier, TypeError, AttributeError):
        return f"its {REQUIRES} is no specifier of versions such as '>=1.2', but {wanted!r}"
    return "" if fits else f"it asks for isthmus {wanted}, and this is {here}"


def said(exc: BaseException) -> str:
    """One line of an exception."""
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__

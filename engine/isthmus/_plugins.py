"""Finds plugins, each guarded, and asks each for what it offers: a typed face over pluggy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, final

import msgspec
import pluggy

from . import hookspecs
from .abc import Fetcher, Runtime
from .errors import PluginError

__all__ = ["PluginInfo", "Plugins"]

logger = logging.getLogger("isthmus")

GROUP = "isthmus"


@final
class PluginInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin, as an engine found it.

    Attributes:
        name: of its entry point, or of the object handed in.
        version: of its distribution, or "".
        distribution: which it was installed with, or "" for one handed in.
        offers: what the engine has from it: ``runtime javascript``, ``fetcher``.
        error: why it, or a part of it, is not used; else "".
    """

    name: str
    version: str = ""
    distribution: str = ""
    offers: tuple[str, ...] = ()
    error: str = ""


@final
class _Found:
    """A plugin while it is being looked at."""

    __slots__ = ("distribution", "errors", "name", "offers", "out", "plugin", "runtimes", "version")

    def __init__(self, name: str, distribution: str = "", version: str = "") -> None:
        self.name = name
        self.distribution = distribution
        self.version = version
        self.plugin: object = None
        self.runtimes: list[Runtime] = []
        self.offers: list[str] = []
        self.errors: list[str] = []
        self.out = False

    def leave_out(self, error: str) -> None:
        logger.error("plugin %r is left out: %s", self.name, error)
        self.errors.append(error)
        self.offers.clear()
        self.runtimes.clear()
        self.out = True

    def info(self) -> PluginInfo:
        return PluginInfo(
            name=self.name,
            version=self.version,
            distribution=self.distribution,
            offers=tuple(self.offers),
            error="; ".join(self.errors),
        )


@final
class Plugins:
    """The plugins of one engine, asked once.

    Entry points come first and what is handed in last; pluggy asks in the reverse order.

    Args:
        plugins: modules or objects with hook implementations.
        load_entry_points: look for installed ones as well.

    Raises:
        PluginError: what was handed in is no plugin, or two offer a runtime for one language.
    """

    def __init__(self, plugins: Sequence[object], *, load_entry_points: bool) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._found: list[_Found] = []
        if load_entry_points:
            self._load_entry_points()
        for plugin in plugins:
            self._take(plugin)
        self._gather_runtimes()
        self.fetcher = self._find_fetcher()
        self.runtimes: Mapping[str, Runtime] = MappingProxyType(self._by_language())
        self.infos = tuple(found.info() for found in self._found)

    # ------------------------------------------------------------ finding

    def _load_entry_points(self) -> None:
        from importlib.metadata import entry_points  # costs 10 ms of import, which not everyone needs

        for entry_point in entry_points(group=GROUP):
            distribution = entry_point.dist
            found = _Found(
                entry_point.name,
                *((distribution.name, distribution.version) if distribution is not None else ()),
            )
            self._found.append(found)
            try:
                found.plugin = entry_point.load()
            except (Exception, SystemExit) as exc:  # noqa: BLE001 -- reported; a module may say sys.exit() as it is imported
                found.leave_out(f"{entry_point.value} does not load: {_said(exc)}")
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
        taken = {found.name for found in self._found}
        number = 2
        unique = name
        while unique in taken:
            unique = f"{name}-{number}"
            number += 1
        found = _Found(unique)
        found.plugin = plugin
        self._found.append(found)
        self._register(found)

    def _register(self, found: _Found) -> None:
        if self._manager.is_registered(found.plugin):
            found.leave_out("another entry point names the same plugin")
            return
        # pluggy wants unique names, and two distributions may agree on one.
        unique = f"{found.name} {id(found.plugin)}" if self._manager.has_plugin(found.name) else found.name
        try:
            self._manager.register(found.plugin, unique)
        except Exception as exc:  # noqa: BLE001 -- reported; of pluggy's checks, or of a property that pluggy looked at
            if self._manager.is_registered(found.plugin):
                self._manager.unregister(found.plugin)
            found.leave_out(_said(exc))
            return
        callers = self._manager.get_hookcallers(found.plugin) or []
        for caller in callers:
            if not caller.has_spec():
                # Perhaps of a later version of the engine: the rest of the plugin serves.
                error = f"there is no hook {caller.name}"
                logger.error("plugin %r: %s", found.name, error)
                found.errors.append(error)
        if not callers:
            found.leave_out("it implements no hook")

    # ------------------------------------------------------------ asking

    def _implementations(self, hook: str) -> Iterator[tuple[_Found, Callable[[], Any]]]:
        """Each plugin's function, in pluggy's order; called one by one, so that each can be guarded."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        for implementation in reversed(caller.get_hookimpls()):
            found = next(found for found in self._found if found.plugin is implementation.plugin)
            if found.out:
                continue
            if implementation.wrapper or implementation.hookwrapper:
                found.leave_out(f"{hook} is no hook that can be wrapped")
                continue
            yield found, implementation.function

    def _gather_runtimes(self) -> None:
        for found, function in self._implementations("isthmus_runtimes"):
            try:
                for runtime in function():
                    if not isinstance(runtime, Runtime) or not getattr(runtime, "language", ""):
                        raise TypeError(f"isthmus_runtimes gave {runtime!r}, not a Runtime with a language")
                    found.runtimes.append(runtime)
                    found.offers.append(f"runtime {runtime.language}")
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_runtimes failed: {_said(exc)}")

    def _find_fetcher(self) -> Fetcher | None:
        for found, function in self._implementations("isthmus_fetcher"):
            try:
                fetcher = function()
                if fetcher is not None and not isinstance(fetcher, Fetcher):
                    raise TypeError(f"isthmus_fetcher gave {fetcher!r}, not a Fetcher")
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_fetcher failed: {_said(exc)}")
                continue
            if fetcher is not None:
                found.offers.append("fetcher")
                return fetcher
        return None

    def _by_language(self) -> dict[str, Runtime]:
        owners: dict[str, _Found] = {}
        runtimes: dict[str, Runtime] = {}
        for found in self._found:
            for runtime in found.runtimes:
                other = owners.setdefault(runtime.language, found)
                if runtime.language in runtimes:
                    raise PluginError(
                        f"the plugins {other.name!r} and {found.name!r} both offer a runtime for "
                        f"{runtime.language!r}; an engine takes one"
                    )
                runtimes[runtime.language] = runtime
        return runtimes


def _is_implementation(plugin: object, name: str) -> bool:
    try:
        return hasattr(getattr(plugin, name), f"{GROUP}_impl")
    except Exception:  # noqa: BLE001 -- a property of the plugin's; registering it will report it
        return False


def _said(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__

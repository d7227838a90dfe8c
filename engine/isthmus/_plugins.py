"""What the plugins of one engine offer it: runtimes, a fetcher, capabilities and observers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

from ._discovery import Discovery, Found, PluginInfo as PluginInfo, said
from .abc import Fetcher, Runtime
from .calls import Observe
from .capabilities import Capability
from .errors import PluginError
from .functions import Function

if TYPE_CHECKING:
    from .pipelines import Observation

__all__ = ["PluginInfo", "Plugins", "runtime_among"]


@final
class Plugins:
    """The plugins of one engine, asked once.

    Args:
        plugins: modules or objects with hook implementations.
        load_entry_points: look for installed ones as well.

    Raises:
        PluginError: what was handed in is no plugin, or two offer a runtime for one language.
    """

    def __init__(self, plugins: Sequence[object], *, load_entry_points: bool) -> None:
        self._discovery = Discovery(plugins, load_entry_points=load_entry_points)
        self._offered: list[tuple[Found, Runtime]] = []
        self._gather_runtimes()
        self.capabilities: Mapping[str, Capability] = MappingProxyType(self._gather_capabilities())
        self.observers: tuple[Observe, ...] = tuple(self._gather_callables("isthmus_observers", "observer"))
        self.pipeline_observers: tuple[Callable[[Observation], None], ...] = tuple(
            self._gather_callables("isthmus_pipeline_observers", "pipeline observer")
        )
        self.middlewares: tuple[Callable[[Any], Any], ...] = tuple(
            self._gather_callables("isthmus_middlewares", "middleware")
        )
        self.fetcher = self._find_fetcher()
        self.runtimes: Mapping[str, Runtime] = MappingProxyType(self._by_key())
        self.infos = self._discovery.infos

    def _gather_runtimes(self) -> None:
        for found, function in self._discovery.implementations("isthmus_runtimes"):
            try:
                for runtime in function():
                    if not isinstance(runtime, Runtime) or not getattr(runtime, "language", ""):
                        raise TypeError(f"isthmus_runtimes gave {runtime!r}, not a Runtime with a language")
                    self._offered.append((found, runtime))
                    found.offers.append(f"runtime {runtime.key}")
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_runtimes failed: {said(exc)}")

    def _gather_capabilities(self) -> dict[str, Capability]:
        owners: dict[str, Found] = {}
        capabilities: dict[str, Capability] = {}
        for found, function in self._discovery.implementations("isthmus_capabilities"):
            try:
                offered = [Capability(name, offer) for name, offer in function().items()]
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_capabilities failed: {said(exc)}")
                continue
            for capability in offered:
                other = owners.setdefault(capability.name, found)
                if other is not found:
                    first, second = sorted((other.name, found.name))
                    raise PluginError(
                        f"the plugins {first!r} and {second!r} both offer the capability {capability.name!r}; an engine takes one"
                    )
                capabilities[capability.name] = capability
                found.offers.append(f"capability {capability.name}")
        return capabilities

    def _gather_callables(self, hook: str, what: str) -> Iterator[Callable[..., Any]]:
        for found, function in self._discovery.implementations(hook):
            try:
                offered = tuple(function())
                if wrong := [each for each in offered if not callable(each)]:
                    raise TypeError(f"{hook} gave {wrong[0]!r}, which cannot be called")
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"{hook} failed: {said(exc)}")
                continue
            found.offers += [what] * len(offered)
            yield from offered

    def _find_fetcher(self) -> Fetcher | None:
        for found, function in self._discovery.implementations("isthmus_fetcher"):
            try:
                fetcher = function()
                if fetcher is not None and not isinstance(fetcher, Fetcher):
                    raise TypeError(f"isthmus_fetcher gave {fetcher!r}, not a Fetcher")
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_fetcher failed: {said(exc)}")
                continue
            if fetcher is not None:
                found.offers.append("fetcher")
                return fetcher
        return None

    def _by_key(self) -> dict[str, Runtime]:
        owners: dict[str, Found] = {}
        runtimes: dict[str, Runtime] = {}
        for plugin in self._discovery.found:
            for found, runtime in self._offered:
                if found is not plugin or found.out:
                    continue
                other = owners.setdefault(runtime.key, found)
                if runtime.key in runtimes:
                    raise PluginError(
                        f"the plugins {other.name!r} and {found.name!r} both offer a runtime for "
                        f"{runtime.key!r}; an engine takes one"
                    )
                runtimes[runtime.key] = runtime
        return runtimes


def runtime_among(runtimes: Mapping[str, Runtime], function: Function) -> Runtime:
    """What runs a function, by its language and its isolation.

    Args:
        runtimes: by :attr:`isthmus.abc.Runtime.key`.
        function: to be run.

    Raises:
        PluginError: nothing does.
    """
    variant = "" if function.isolation in {"call", "instance"} else f"+{function.isolation}"
    runtime = runtimes.get(function.language + variant)
    if runtime is None:
        known = ", ".join(map(repr, runtimes)) or "none"
        wanted = f" with the isolation {function.isolation!r}" if variant else ""
        raise PluginError(
            f"function {function.name!r}: no plugin offers a runtime for the language "
            f"{function.language!r}{wanted}; there is {known}"
        )
    return runtime

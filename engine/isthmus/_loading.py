"""Instances of an engine: made, given other code or settings while they are in use, and given back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, final

import msgspec
import trio

from ._host import Door, describe
from ._instances import Binding, Instance, Terms
from ._offering import Offering
from ._programs import Programs
from ._redact import Redactor
from ._scopes import Scopes
from ._sharing import Shelf
from ._tally import Tally, Watch
from .abc import Egress, Fetcher, Runtime, SharedCache
from .capabilities import Caller, call_here
from .errors import EngineClosed, EngineError, InvalidFunction
from .functions import Function
from .limits import Limits
from .settings import SettingsSource, sensitive_values, validate

__all__ = ["Loading"]

logger = logging.getLogger("isthmus")

EXPECTED: Final = {"function": Function, "egress": Egress, "limits": Limits}


@final
class Loading:
    """The instances of one engine.

    Args:
        runtime_of: what runs a function.
        fetcher: carries requests out.
        offering: the capabilities that there are.
        programs: of the engine.
        scopes: what it has under way.
        watch: counts its calls.
        cache: where caches are kept, None for memory.

    Attributes:
        bindings: what each instance runs on now.
    """

    def __init__(
        self,
        runtime_of: Callable[[Function], Runtime],
        fetcher: Fetcher | None,
        offering: Offering,
        programs: Programs,
        scopes: Scopes,
        watch: Watch,
        cache: SharedCache | None,
    ) -> None:
        self._runtime_of = runtime_of
        self._fetcher = fetcher
        self._offering = offering
        self._programs = programs
        self._scopes = scopes
        self._watch = watch
        self._cache = cache
        self._keys = count(1)
        self.bindings: dict[Instance, Binding] = {}

    async def load(self, name: str, terms: Terms) -> Instance:
        """Make an instance; raises as :meth:`isthmus.Engine.load`."""
        _check_types(terms)
        binding = await self._bind(name, terms, Tally(self._watch, terms.function.name, name))
        instance = Instance(name, terms.function, binding.handlers, self.close)
        self.bindings[instance] = binding
        return instance

    async def replace(self, instance: Instance, parts: Mapping[str, Any]) -> None:
        """Have what it was loaded with replaced in part; raises as :meth:`isthmus.Engine.replace`."""
        old = self.binding(instance)
        terms = msgspec.structs.replace(old.terms, **parts)
        _check_types(terms)
        if terms.function.kind is not old.kind:
            raise InvalidFunction(
                f"{instance!r} can be replaced by a function of its kind, not by one of kind {terms.function.kind.value}"
            )
        await self._succeed(instance, None, await self._bind(old.name, terms, old.tally))

    def binding(self, instance: Instance) -> Binding:
        """What calls of it run on now.

        Raises:
            EngineClosed: it is closed, or is another engine's.
        """
        binding = self.bindings.get(instance)
        if binding is None:
            what = (
                "the engine has been closed"
                if self._scopes.closed
                else "it has been closed, or is another engine's"
            )
            raise EngineClosed(f"{instance!r} cannot be invoked: {what}")
        return binding

    async def close(self, instance: Instance) -> None:
        """Take no more calls for it, wait for those under way, and give its program back."""
        binding = self.bindings.pop(instance, None)
        if binding is not None:
            binding.closed = True
            await self._give_back(binding)
        await trio.lowlevel.checkpoint()

    async def _give_back(self, binding: Binding) -> None:
        """Wait for the calls of what was closed or replaced, and give its program back."""
        try:
            await binding.idle()
        finally:
            await self._programs.give_back(binding.shared, binding.key)

    # ------------------------------------------------------------ what calls run on

    async def _succeed(self, instance: Instance, expected: Binding | None, new: Binding) -> None:
        """Have new calls run on this, and give back what they ran on, once its calls have ended.

        Args:
            instance: whose calls.
            expected: only where it runs on this; None for whatever it runs on.
            new: what they are to run on.
        """
        current = self.bindings.get(instance)
        if current is None or expected not in {None, current}:
            await self._programs.give_back(new.shared, new.key)
            if current is not None:
                return  # it was replaced meanwhile, and by something later
            raise EngineClosed(f"{instance!r} was closed while it was being replaced")
        current.successor = new
        self.bindings[instance] = new
        new.tally.function = new.function.name
        instance.function, instance.handlers = new.function, new.handlers
        await self._give_back(current)

    async def _bind(
        self, name: str, terms: Terms, tally: Tally, values: Mapping[str, object] | None = None
    ) -> Binding:
        """Make what calls run on.

        Args:
            name: of the instance.
            terms: what it is made of.
            tally: of the instance.
            values: of its settings, where their source has been asked.
        """
        self._check_open()
        function, limits = terms.function, terms.limits
        caller = Caller(function=function.name, instance=name)
        source = terms.settings
        if values is None:
            values = await self._asked(source, caller) if isinstance(source, SettingsSource) else source
        runtime = self._runtime_of(function)
        if self._fetcher is not None:
            self._fetcher.check_egress(terms.egress)
        text = validate(function, values)
        sensitive = sensitive_values(function, values)
        granted = self._offering.granted(function)
        shared = self._programs.borrow(runtime, function, limits)
        try:
            with self._scopes.entered("the engine was closed while a function was being loaded"):
                loaded = await shared.load()
                self._check_open()
                binding = Binding(
                    shared,
                    Door(
                        limits,
                        fetcher=self._fetcher,
                        egress=terms.egress,
                        redactor=Redactor(sensitive) if sensitive else None,
                        capabilities=granted,
                        caller=caller,
                        shelf=None if self._cache is None else Shelf(self._cache, name),
                    ),
                    loaded.program.handlers,
                    key=f"{name}#{next(self._keys)}",
                    name=name,
                    settings=text,
                    terms=terms,
                    tally=tally,
                )
                if isinstance(source, SettingsSource):
                    binding.due = trio.current_time() + source.refresh
                return binding
        except BaseException:
            await self._programs.give_back(shared)
            raise

    def _check_open(self) -> None:
        if self._scopes.closed:
            raise EngineClosed("the engine has been closed")

    # ------------------------------------------------------------ settings from elsewhere

    async def _asked(self, source: SettingsSource, caller: Caller) -> Mapping[str, object]:
        with self._scopes.entered("the engine was closed while settings were asked for"):
            values: Mapping[str, object] = await call_here(source.ask, caller)
            return values

    def refresh(self, binding: Binding) -> None:
        """Have settings that are old asked for again, by a task of its own: no call waits for it, or is cancelled with it."""
        if binding.due is not None and trio.current_time() >= binding.due:
            binding.due = None
            trio.lowlevel.spawn_system_task(self._ask_again, binding)

    async def _ask_again(self, binding: Binding) -> None:
        source = binding.terms.settings
        assert isinstance(source, SettingsSource)  # noqa: S101 -- it has been due
        try:
            values = await self._asked(source, binding.door.caller)
            instance = next((one for one, bound in self.bindings.items() if bound is binding), None)
            if instance is not None and validate(binding.function, values) != binding.settings:
                new = await self._bind(binding.name, binding.terms, binding.tally, values)
                await self._succeed(instance, binding, new)
        except EngineClosed:
            pass
        except Exception as exc:  # noqa: BLE001 -- the embedder's: the values there are stay
            logger.error("settings of %r could not be asked for again: %s", binding.name, describe(exc, None))
        finally:
            if binding.successor is None:
                binding.due = trio.current_time() + source.refresh


def _check_types(terms: Terms) -> None:
    for name, expected in EXPECTED.items():
        given = getattr(terms, name)
        if not isinstance(given, expected):
            raise EngineError(f"an isthmus.{expected.__name__} is wanted, not {type(given).__name__}")

"""What plugins offer through one hook, by name: for whatever asks them beside an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar, final

from ._discovery import Discovery, Found, PluginInfo, said
from .errors import PluginError

__all__ = ["Offers"]

T = TypeVar("T")


@final
class Offers(Generic[T]):
    """What the plugins of this process offer through one hook, asked once, each plugin in a guard of its own.

    A plugin whose hook raises, or gives something else than it is to, is left out; the others serve.

    Args:
        hook: its name, one of :mod:`isthmus.hookspecs`.
        named: the offers in what a plugin's hook gave, by name; what it raises counts as the plugin's.
        plugins: beside the installed ones.
        what: one offer in a word, as lists have it: ``"queue"``.
        phrase: the same in an error, with the name in place of ``{}``: ``"queues for {}:"``.
        load_entry_points: take the installed ones.
        logged: errors go to the log, beside ``infos``.

    Raises:
        PluginError: what was handed in is no plugin.
    """

    def __init__(
        self,
        hook: str,
        named: Callable[[Any], Iterable[tuple[str, T]]],
        plugins: Sequence[object] = (),
        *,
        what: str,
        phrase: str = "",
        load_entry_points: bool = True,
        logged: bool = True,
    ) -> None:
        self._phrase = phrase or f"the {what} {{!r}}"
        self._discovery = Discovery(plugins, load_entry_points=load_entry_points, logged=logged)
        self._offers: dict[str, list[tuple[Found, T]]] = {}
        for found, function in self._discovery.implementations(hook):
            try:
                offered = list(named(function()))
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"{hook} failed: {said(exc)}")
                continue
            for name, offer in offered:
                self._offers.setdefault(name, []).append((found, offer))
                found.offers.append(f"{what} {name}")

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """Each plugin, as far as this hook goes."""
        return self._discovery.infos

    @property
    def names(self) -> tuple[str, ...]:
        """What is offered, in the order of the alphabet."""
        return tuple(sorted(self._offers))

    def owners(self, name: str) -> tuple[str, ...]:
        """The plugins that offer this, in the order in which they were asked; more than one is one too many."""
        return tuple(found.name for found, _ in self._offers.get(name, ()))

    def find(self, name: str) -> T:
        """The offer of a name.

        Raises:
            PluginError: no plugin offers it, or two do.
        """
        offers = self._offers.get(name, [])
        if len(offers) > 1:
            owners = " and ".join(sorted(map(repr, self.owners(name))))
            raise PluginError(f"the plugins {owners} both offer {self._phrase.format(name)}; remove one")
        if not offers:
            known = ", ".join(map(repr, self.names)) or "none"
            raise PluginError(f"no plugin offers {self._phrase.format(name)}; there is {known}")
        return offers[0][1]

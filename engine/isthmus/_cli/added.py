"""Commands that plugins add to the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final, final

from isthmus._discovery import Discovery, Found, PluginInfo, said
from isthmus.abc import Command
from isthmus.errors import PluginError

__all__ = ["AddedCommands"]

NAME: Final = re.compile(r"[a-z][a-z0-9-]*")


@final
class AddedCommands:
    """What the plugins of this process offer through ``isthmus_commands``, asked once.

    Args:
        plugins: beside the installed ones.
        taken: names that are built in.
        logged: errors go to the log, beside ``infos``.

    Raises:
        PluginError: what was handed in is no plugin.
    """

    def __init__(self, plugins: Sequence[object], *, taken: Container[str], logged: bool = True) -> None:
        self._discovery = Discovery(plugins, load_entry_points=True, logged=logged)
        self._offers: dict[str, list[tuple[Found, Command]]] = {}
        for found, function in self._discovery.implementations("isthmus_commands"):
            try:
                commands = [_checked(command, taken) for command in function()]
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_commands failed: {said(exc)}")
                continue
            for command in commands:
                self._offers.setdefault(command.name, []).append((found, command))
                found.offers.append(f"command {command.name}")

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """Each plugin, as far as its commands go."""
        return self._discovery.infos

    @property
    def summaries(self) -> dict[str, str]:
        """What each command does, by its name, in the order of the alphabet."""
        return {
            name: f"(the plugins {_names(offers)} both offer it)" if len(offers) > 1 else offers[0][1].summary
            for name, offers in sorted(self._offers.items())
        }

    def find(self, name: str) -> Command | None:
        """The command of this name, None where no plugin offers one.

        Raises:
            PluginError: two plugins offer it.
        """
        offers = self._offers.get(name, [])
        if len(offers) > 1:
            raise PluginError(f"the plugins {_names(offers)} both offer a command {name!r}; remove one")
        return offers[0][1] if offers else None

    def plugin_of(self, name: str) -> str:
        """The name of the plugin that offers this command."""
        return self._offers[name][0][0].name


def _names(offers: Sequence[tuple[Found, Command]]) -> str:
    return " and ".join(sorted(repr(found.name) for found, _ in offers))


def _checked(command: object, taken: Container[str]) -> Command:
    if not isinstance(command, Command):
        raise TypeError(f"it gave {command!r}, not a Command")
    name, summary = getattr(command, "name", None), getattr(command, "summary", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"a command's name is lower-case letters, digits and hyphens, not {name!r}")
    if not isinstance(summary, str) or not summary.strip() or "\n" in summary:
        raise ValueError(f"the summary of the command {name!r} is one line of text, not {summary!r}")
    if name in taken:
        raise ValueError(f"the command {name!r} is built in")
    return command

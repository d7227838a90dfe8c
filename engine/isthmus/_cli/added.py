"""Commands that plugins add to the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final, final

from isthmus._discovery import PluginInfo
from isthmus.abc import Command
from isthmus.offers import Offers

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
        self._offers = Offers(
            "isthmus_commands",
            lambda offered: [
                (command.name, command) for command in (_checked(each, taken) for each in offered)
            ],
            plugins,
            what="command",
            phrase="a command {!r}",
            logged=logged,
        )

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """Each plugin, as far as its commands go."""
        return self._offers.infos

    @property
    def summaries(self) -> dict[str, str]:
        """What each command does, by its name, in the order of the alphabet."""
        return {name: self._summary(name) for name in self._offers.names}

    def _summary(self, name: str) -> str:
        owners = self._offers.owners(name)
        if len(owners) > 1:
            return f"(the plugins {' and '.join(sorted(map(repr, owners)))} both offer it)"
        return self._offers.find(name).summary

    def find(self, name: str) -> Command | None:
        """The command of this name, None where no plugin offers one.

        Raises:
            PluginError: two plugins offer it.
        """
        return self._offers.find(name) if name in self._offers.names else None

    def plugin_of(self, name: str) -> str:
        """The name of the plugin that offers this command."""
        return self._offers.owners(name)[0]


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

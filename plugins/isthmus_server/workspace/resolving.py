"""Values of settings, as they are written in a workspace: plain, or a reference to where they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, final

import msgspec

from isthmus.commands import References, UsageFault
from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.store import Secret

from .desired import WorkspaceProblems

__all__ = ["LITERAL", "Resolver", "looks_like_reference"]

LITERAL: Final = "value"
"""The key of a table that stands for what is in it: ``{value = {env = "production"}}`` is a map."""


@final
class Resolver:
    """Looks up what references stand for.

    Args:
        references: the variables and files that there are.
    """

    def __init__(self, references: References) -> None:
        self._references = references

    def text(self, written: str | dict[str, Any], where: str) -> str:
        """A text that is written down, or that a reference stands for.

        Raises:
            WorkspaceProblems: there is no such variable or file.
        """
        try:
            return self._references.text(written, where)
        except UsageFault as exc:
            raise WorkspaceProblems(str(exc)) from None

    def settings(
        self, written: Mapping[str, Any], definitions: Iterable[SettingDefinition], where: str
    ) -> dict[str, object]:
        """The values of an instance.

        Args:
            written: values by the names of settings.
            definitions: of its function; a value that is referred to is JSON, unless its setting is a text.
            where: the file, for messages.

        Returns:
            plain values, and :class:`isthmus_server.store.Secret` for those that were referred to.

        Raises:
            WorkspaceProblems: one for each reference that leads nowhere.
        """
        types = {definition.name: definition.type for definition in definitions}
        values: dict[str, object] = {}
        problems: list[str] = []
        for name, value in written.items():
            if looks_like_reference(value, LITERAL):
                values[name] = value[LITERAL]
            elif looks_like_reference(value, "env", "file"):
                try:
                    values[name] = Secret(
                        _typed(self.text(value, f"{where}: settings.{name}"), types.get(name))
                    )
                except WorkspaceProblems as exc:
                    problems += exc.problems
            else:
                values[name] = value
        if problems:
            raise WorkspaceProblems(*problems)
        return values


def looks_like_reference(value: object, *kinds: str) -> bool:
    """Whether a value is a table of one of these keys alone; those of references have to be texts."""
    return (
        isinstance(value, dict)
        and len(value) == 1
        and all(key in kinds and (key == LITERAL or isinstance(value[key], str)) for key in value)
    )


def _typed(text: str, type_: SettingType | None) -> object:
    if type_ in {SettingType.STRING, None}:
        return text
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text  # does not fit, which is said where it is looked at

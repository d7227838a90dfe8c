"""Templates that plugins offer for ``isthmus new``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from isthmus._discovery import Discovery, Found, PluginInfo, said
from isthmus.errors import PluginError
from isthmus.functions import Kind
from isthmus.templates import Template

__all__ = ["OfferedTemplates"]

FIRST = "javascript"
"""The language of Segment's functions: of what is offered in several, this is meant where none is named."""


@final
class OfferedTemplates:
    """What the plugins of this process offer through ``isthmus_templates``, asked once.

    Args:
        plugins: beside the installed ones.
        logged: errors go to the log, beside ``infos``.

    Attributes:
        all: every template, by kind, JavaScript's first, then by language and name.

    Raises:
        PluginError: what was handed in is no plugin, or two offer the same template.
    """

    def __init__(self, plugins: Sequence[object], *, logged: bool = True) -> None:
        self._discovery = Discovery(plugins, load_entry_points=True, logged=logged)
        owners: dict[tuple[Kind, bool, str, str], tuple[Found, Template]] = {}
        for found, function in self._discovery.implementations("isthmus_templates"):
            try:
                templates = [_checked(template) for template in function()]
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_templates failed: {said(exc)}")
                continue
            for template in templates:
                key = (template.kind, template.language != FIRST, template.language, template.name)
                other, _ = owners.setdefault(key, (found, template))
                if other is not found:
                    raise PluginError(
                        f"the plugins {other.name!r} and {found.name!r} both offer a template {template.name!r} in "
                        f"{template.language} for the kind {template.kind.value}; remove one"
                    )
            languages = sorted({template.language for template in templates})
            found.offers += [f"templates {language}" for language in languages]
        order = {kind: number for number, kind in enumerate(Kind)}
        self.all = tuple(owners[key][1] for key in sorted(owners, key=lambda key: (order[key[0]], *key[1:])))

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """Each plugin, as far as its templates go."""
        return self._discovery.infos


def _checked(template: object) -> Template:
    if not isinstance(template, Template):
        raise TypeError(f"it gave {template!r}, not a Template")
    return template

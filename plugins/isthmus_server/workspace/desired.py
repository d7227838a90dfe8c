"""What a workspace is to be, as values: read from a directory, compared with what a store has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import msgspec

from isthmus.errors import IsthmusError
from isthmus.functions import SettingDefinition
from isthmus_server.store import ResourceType, Running

__all__ = [
    "Desired",
    "DesiredDestination",
    "DesiredFunction",
    "DesiredInsert",
    "DesiredSource",
    "WorkspaceProblems",
]


@final
class WorkspaceProblems(IsthmusError):
    """A directory that is no workspace, or one that does not fit the store; nothing was changed.

    Attributes:
        problems: a line for each, with the file it is in, and no value that may be secret.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Written(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a file says.

    Attributes:
        where: the file's path within the directory, for messages.
        key: what other files call it: the name of its directory, or of its file without the suffix.
        id: that it has already, None where it is found by its name.
    """

    where: str
    key: str
    id: str | None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.where!r})"  # what it holds may be secret


@final
class DesiredFunction(_Written, frozen=True, kw_only=True):
    """A function; without an id it is the one of its kind and display name.

    Attributes:
        id: class id, without a prefix.
        file: path of the code, for messages.
        code: in one piece.
        running: how it is run, None leaves that as it is.
    """

    resource_type: ResourceType
    display_name: str
    description: str
    logo_url: str
    language: str
    file: str
    code: str
    settings: tuple[SettingDefinition, ...]
    running: Running | None = None


class _Instance(_Written, frozen=True, kw_only=True):
    """Something made of a function, or of what is built in.

    Attributes:
        function: key of the function, "" where it is of a built-in entry.
        settings: values by name; what was referred to is a :class:`isthmus_server.store.Secret`.
    """

    enabled: bool
    function: str
    settings: Mapping[str, object]


@final
class DesiredSource(_Instance, frozen=True, kw_only=True):
    """A source; without an id it is the one of its slug.

    Attributes:
        built_in: id of the catalog entry, "" for a function.
        write_keys: None leaves those that it has, or has one made.
        webhook_secret: None leaves the one that it has, or has one made.
    """

    slug: str
    name: str
    built_in: str
    write_keys: tuple[str, ...] | None
    webhook_secret: str | None


@final
class DesiredDestination(_Instance, frozen=True, kw_only=True):
    """A destination; without an id it is the one of its source, name, and function or catalog entry.

    Attributes:
        source: key of the source.
        built_in: id of the catalog entry, "" for a function.
    """

    source: str
    name: str
    built_in: str


@final
class DesiredInsert(_Instance, frozen=True, kw_only=True):
    """An insert function at work; without an id it is the one of its function, its name, and what it is before.

    Attributes:
        order: events pass the inserts of a source from the least to the greatest, those of one order by their keys.
        source: key of the source that it is before, "" for a destination.
        destination: key of the destination that it is before, "" for a source.
    """

    name: str | None
    order: int
    source: str
    destination: str


@final
class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """A whole workspace.

    Attributes:
        name, slug: of the workspace, None where they stay as they are.
        notes: a line for each thing that was left out, and why.
    """

    name: str | None = None
    slug: str | None = None
    functions: tuple[DesiredFunction, ...] = ()
    sources: tuple[DesiredSource, ...] = ()
    destinations: tuple[DesiredDestination, ...] = ()
    inserts: tuple[DesiredInsert, ...] = ()
    notes: tuple[str, ...] = ()

"""What the store keeps, as values; whatever may be secret stays out of their reprs."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final, Literal, final

import msgspec

from isthmus.functions import Function, Kind, SettingDefinition

__all__ = [
    "AS_USUAL",
    "MASK",
    "AuditEvent",
    "Destination",
    "Grant",
    "InsertInstance",
    "Page",
    "ResourceType",
    "Role",
    "Running",
    "Secret",
    "SettingValues",
    "Source",
    "StoredFunction",
    "Token",
    "Version",
    "Workspace",
]

MASK: Final = "••••••••••"
"""Stands for a value that is kept and not shown; given back, it means that value, unchanged."""


@final
class ResourceType(enum.StrEnum):
    """The kinds of functions, by Segment's names."""

    SOURCE = "SOURCE"
    DESTINATION = "DESTINATION"
    INSERT_DESTINATION = "INSERT_DESTINATION"
    INSERT_SOURCE = "INSERT_SOURCE"

    @property
    def kind(self) -> Kind:
        """What the engine calls it."""
        return _KINDS[self]


_KINDS: Final[Mapping[ResourceType, Kind]] = {
    ResourceType.SOURCE: Kind.SOURCE,
    ResourceType.DESTINATION: Kind.DESTINATION,
    ResourceType.INSERT_DESTINATION: Kind.INSERT,
    ResourceType.INSERT_SOURCE: Kind.SOURCE_INSERT,
}


@final
class Role(enum.StrEnum):
    """What a token may do (Segment: workspace roles)."""

    OWNER = "Workspace Owner"
    FUNCTIONS_ADMIN = "Functions Admin"
    FUNCTIONS_READ_ONLY = "Functions Read-only"
    SOURCE_ADMIN = "Source Admin"


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Something with an id."""

    id: str


@final
class Workspace(_Kept, frozen=True, kw_only=True):
    """Whose functions they are.

    Attributes:
        slug: its name in URLs.
        name: what people call it; part of the names of destination functions.
        revision: grows with every change of what is to run.
    """

    slug: str
    name: str
    revision: int


@final
class Running(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a function is run, where Segment's API has no field for it; the fields are those of :class:`isthmus.Function`."""

    isolation: Literal["call", "instance", "wasm"] = "call"
    lenient: bool = False
    pass_through: bool = False
    capabilities: tuple[str, ...] = ()
    fan_out: bool = False


AS_USUAL: Final = Running()


@final
class StoredFunction(_Kept, frozen=True, kw_only=True):
    """A function, as it was saved last.

    Attributes:
        id: its class id, without a prefix; see :mod:`isthmus_server.store.ids`.
        language: which runtime runs it.
        code: source text.
        settings: what its instances take.
        running: how it is run.
        latest: id of the newest version.
        deployed: id of the version that runs, or None; of a source function, what was deployed last to a source of it.
        created_at, updated_at, deployed_at: milliseconds since the epoch.
        created_by: id of the token that made it.
    """

    resource_type: ResourceType
    display_name: str
    description: str
    logo_url: str
    language: str
    code: str
    settings: tuple[SettingDefinition, ...]
    running: Running = AS_USUAL
    latest: str
    deployed: str | None
    created_at: int
    created_by: str
    updated_at: int
    deployed_at: int | None

    def to_run(self) -> Function:
        """What an engine loads, of the code saved last."""
        return Function(
            name=self.display_name,
            kind=self.resource_type.kind,
            language=self.language,
            code=self.code,
            settings=self.settings,
            **msgspec.structs.asdict(self.running),
        )


@final
class Version(_Kept, frozen=True, kw_only=True):
    """What a function was when it was saved.

    Attributes:
        id: a KSUID.
        number: from 1, one more for each of a function.
        settings: as they were defined then.
        running: how it was to be run.
        author: id of the token that saved it.
        is_deployed: it runs now, in one instance at least.
        created_at, updated_at, deployed_at: milliseconds since the epoch.
    """

    function: str
    number: int
    code: str
    settings: tuple[SettingDefinition, ...]
    running: Running = AS_USUAL
    author: str
    is_deployed: bool
    created_at: int
    updated_at: int
    deployed_at: int | None


@final
class Secret(msgspec.Struct, frozen=True):
    """A setting's value as it is given, that is to be secret whatever its definition says."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


@final
class SettingValues(msgspec.Struct, frozen=True, kw_only=True):
    """The values an instance gives its settings.

    Attributes:
        values: by name.
        secret: names of those that are never shown, for good: a definition that stops being sensitive reveals nothing.
    """

    values: Mapping[str, Any] = {}
    secret: frozenset[str] = frozenset()

    @property
    def shown(self) -> dict[str, Any]:
        """Those that may be seen."""
        return {name: value for name, value in self.values.items() if name not in self.secret}

    @property
    def masked(self) -> dict[str, str]:
        """The names of the others, each with the same mask."""
        return {name: MASK for name in self.values if name in self.secret}

    def __repr__(self) -> str:
        return f"SettingValues({', '.join(self.values)})"


@final
class Source(_Kept, frozen=True, kw_only=True):
    """Where events come from: an instance of a source function, or a plain event source.

    Attributes:
        id: 22 characters of base 62.
        slug: its name in URLs, one of a kind.
        metadata_id: of the catalog entry, which is the class id of a function or that of a built-in source.
        function: class id of its source function, or None.
        settings: of its function.
        write_keys: each lets a client send events to it.
        webhook_secret: with the id it makes the address of its webhook, see :mod:`isthmus_server.store.webhooks`.
        deployed: id of the version of its function that it runs, or None.
        created_at, updated_at: milliseconds since the epoch.
    """

    slug: str
    name: str
    enabled: bool
    metadata_id: str
    function: str | None
    settings: SettingValues
    write_keys: tuple[str, ...]
    webhook_secret: str
    deployed: str | None
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"Source(id={self.id!r}, slug={self.slug!r}, enabled={self.enabled})"


@final
class Destination(_Kept, frozen=True, kw_only=True):
    """Where events of one source go: an instance of a destination function, or a built-in destination.

    Attributes:
        id: 24 hexadecimal digits.
        metadata_id: of the catalog entry, see :class:`Source`.
        function: class id of its destination function, or None.
        created_at, updated_at: milliseconds since the epoch.
    """

    source: str
    name: str
    enabled: bool
    metadata_id: str
    function: str | None
    settings: SettingValues
    created_at: int
    updated_at: int


@final
class InsertInstance(_Kept, frozen=True, kw_only=True):
    """An insert function at work on the events of one source or destination.

    Attributes:
        id: 24 hexadecimal digits.
        function: class id.
        integration: id of the source or destination.
        created_at, updated_at: milliseconds since the epoch.
    """

    function: str
    integration: str
    name: str | None
    enabled: bool
    settings: SettingValues
    created_at: int
    updated_at: int


@final
class Grant(msgspec.Struct, frozen=True):
    """A role, over everything or over some functions.

    Attributes:
        role: what may be done.
        functions: class ids; empty for all.
    """

    role: Role
    functions: tuple[str, ...] = ()


@final
class Token(_Kept, frozen=True, kw_only=True):
    """Who may call the API; the token itself is known to its bearer alone.

    Attributes:
        id: names it in audit events.
        name: what it is for.
        grants: what it may do.
        created_at, revoked_at: milliseconds since the epoch.
    """

    name: str
    grants: tuple[Grant, ...]
    created_at: int
    revoked_at: int | None


@final
class AuditEvent(_Kept, frozen=True, kw_only=True):
    """Who did what.

    Attributes:
        id: a KSUID.
        at: milliseconds since the epoch.
        actor: id of a token.
        type: ``Function Created`` and the like.
        resource_type, resource_id, resource_name: what it was done to.
    """

    at: int
    actor: str
    type: str
    resource_type: str
    resource_id: str
    resource_name: str


@final
class Page(msgspec.Struct, frozen=True):
    """A part of a list.

    Attributes:
        offset: how many come before it.
        count: how many it has at the most.
    """

    offset: int = 0
    count: int = 200

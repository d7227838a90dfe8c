"""A workspace of Segment's as Git Sync writes it down: Terraform resources, one a file, by the ids that things have there.

Functions are taken as they are, with their ids.  Sources and destinations are taken where they are made of these functions or
have to do with those that are; everything else is Segment's own, and a note says so.  Secrets are masked in such an export:
each is taken from a variable instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, final

import msgspec

from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.store import HTTP_API, MASK, ResourceType, Secret, class_id, function_id

from .desired import (
    Desired,
    DesiredDestination,
    DesiredFunction,
    DesiredInsert,
    DesiredSource,
    WorkspaceProblems,
)
from .hcl import Block, HclError, Traversal, parse
from .tables import CODE_BYTES, read_bytes
from .variables import variable_name

__all__ = ["is_git_sync", "read_git_sync"]

FILES: Final = 20_000
"""Of an export; destinations' subscriptions are most of them."""

T = TypeVar("T", bound=msgspec.Struct)


class _Setting(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    label: str | None = None
    description: str | None = None
    type: SettingType = SettingType.STRING
    required: bool | None = None
    sensitive: bool | None = None


class _Function(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    resource_type: ResourceType
    display_name: str | None = None
    description: str | None = None
    logo_url: str | None = None
    settings: tuple[_Setting, ...] | None = None


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class _Source(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    metadata: _Metadata
    name: str | None = None
    enabled: bool = True
    settings: str | None = None


class _Destination(msgspec.Struct, frozen=True, kw_only=True):
    source_id: str
    metadata: _Metadata
    name: str | None = None
    enabled: bool = True
    settings: str | None = None


class _Insert(msgspec.Struct, frozen=True, kw_only=True):
    integration_id: str
    function_id: str
    name: str | None = None
    enabled: bool = True
    settings: str | None = None


def is_git_sync(root: Path) -> bool:
    """Whether a directory is such an export."""
    return any((root / "functions").glob("*.tf")) or any(root.glob("*.tf"))


def read_git_sync(root: Path, environ: Mapping[str, str]) -> Desired:
    """Read an export.

    Args:
        root: its directory.
        environ: variables that masked secrets are taken from.

    Raises:
        WorkspaceProblems: with a line for each thing that is wrong.
    """
    return _Export(root, environ).read()


@final
class _Export:
    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ
        self._problems: list[str] = []
        self._notes: list[str] = []
        self._found: dict[str, list[tuple[str, Block]]] = {}

    def read(self) -> Desired:
        self._parse()
        functions = {
            written.key: written
            for where, block in self._of("segment_function")
            if (written := self._function(where, block))
        }
        destinations = tuple(
            destination
            for where, label, one in self._resources("segment_destination", _Destination)
            if (destination := self._destination(where, label, one, functions))
        )
        taken = {destination.key for destination in destinations}
        inserts = tuple(
            insert
            for where, label, one in self._resources("segment_insert_function_instance", _Insert)
            if (insert := self._insert(where, label, one, functions, taken))
        )
        wanted = {one.source for one in destinations} | {one.source for one in inserts if one.source}
        sources = tuple(
            source
            for where, label, one in self._resources("segment_source", _Source)
            if (source := self._source(where, label, one, functions, wanted))
        )
        desired = Desired(
            functions=tuple(functions.values()),
            sources=sources,
            destinations=destinations,
            inserts=inserts,
            notes=(*self._notes, *self._left_out()),
        )
        if self._problems:
            raise WorkspaceProblems(*self._problems)
        return desired

    def _parse(self) -> None:
        paths = sorted(
            path
            for path in self._root.rglob("*.tf")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(self._root).parts)
        )
        if len(paths) > FILES:
            raise WorkspaceProblems(f"{self._root}: more than {FILES} files of Terraform")
        for path in paths:
            where = str(path.relative_to(self._root))
            try:
                blocks = parse(read_bytes(path, where, CODE_BYTES).decode())
            except UnicodeDecodeError:
                self._problems.append(f"{where}: no UTF-8")
            except HclError as exc:
                self._problems.append(f"{where}: {exc}")
            except WorkspaceProblems as exc:
                self._problems += exc.problems
            else:
                for block in blocks:
                    if block.labels[0] == "resource" and len(block.labels) == 3:
                        self._found.setdefault(block.labels[1], []).append((where, block))

    def _of(self, type_: str) -> list[tuple[str, Block]]:
        return self._found.get(type_, [])

    def _resources(self, type_: str, kind: type[T]) -> list[tuple[str, str, T]]:
        """File, label and value of the resources of a type."""
        found = []
        for where, block in self._of(type_):
            if (value := self._convert(where, block, kind)) is not None:
                found.append((where, block.labels[2], value))
        return found

    def _convert(self, where: str, block: Block, kind: type[T]) -> T | None:
        fields = {name: _plain(value) for name, value in block.attributes.items()}
        repeated = [_plain(inner.attributes) for inner in block.blocks if inner.labels == ("settings",)]
        try:
            return msgspec.convert(fields | ({"settings": repeated} if repeated else {}), kind)
        except msgspec.ValidationError as exc:
            self._problems.append(f"{where}: {block.labels[2]}: {exc}")
            return None

    def _function(self, where: str, block: Block) -> DesiredFunction | None:
        label, one = block.labels[2], self._convert(where, block, _Function)
        if one is None:
            return None
        id_ = _id_of(label)
        bare = None if id_ is None else class_id(id_)
        if bare is not None and id_ != function_id(one.resource_type, bare):
            self._problems.append(f"{where}: {id_} is no id of a function of kind {one.resource_type.value}")
        return DesiredFunction(
            where=where,
            key=bare or label,
            id=bare,
            resource_type=one.resource_type,
            display_name=one.display_name or label,
            description=one.description or "",
            logo_url=one.logo_url or "",
            language="javascript",
            file=where,
            code=one.code,
            settings=tuple(
                SettingDefinition(
                    name=setting.name,
                    label=setting.label or "",
                    description=setting.description or "",
                    type=setting.type,
                    required=bool(setting.required),
                    sensitive=bool(setting.sensitive),
                )
                for setting in one.settings or ()
            ),
        )

    def _source(
        self,
        where: str,
        label: str,
        one: _Source,
        functions: Mapping[str, DesiredFunction],
        wanted: Iterable[str],
    ) -> DesiredSource | None:
        key = _id_of(label) or label
        function = _made_of(one.metadata.id, functions, ResourceType.SOURCE)
        if function is None and one.metadata.id != HTTP_API:
            if key not in wanted:
                self._notes.append(
                    f"{where}: left out: it is a source of Segment's own, and nothing that is taken needs it"
                )
                return None
            self._notes.append(f"{where}: a source of Segment's own; it becomes one of the tracking API")
        return DesiredSource(
            where=where,
            key=key,
            id=_id_of(label),
            slug=one.slug,
            name=one.name or one.slug,
            enabled=one.enabled,
            function=function.key if function else "",
            built_in="" if function else HTTP_API,
            settings=self._settings(where, one.slug, one.settings, function) if function else {},
            write_keys=None,
            webhook_secret=None,
        )

    def _destination(
        self, where: str, label: str, one: _Destination, functions: Mapping[str, DesiredFunction]
    ) -> DesiredDestination | None:
        function = _made_of(one.metadata.id, functions, ResourceType.DESTINATION)
        if function is None:
            self._notes.append(f"{where}: left out: it is of no function, but a destination of Segment's own")
            return None
        name = one.name or function.display_name
        return DesiredDestination(
            where=where,
            key=_id_of(label) or label,
            id=_id_of(label),
            name=name,
            source=_referred(one.source_id),
            enabled=one.enabled,
            function=function.key,
            built_in="",
            settings=self._settings(where, name, one.settings, function),
        )

    def _insert(
        self,
        where: str,
        label: str,
        one: _Insert,
        functions: Mapping[str, DesiredFunction],
        destinations: Iterable[str],
    ) -> DesiredInsert | None:
        key = class_id(_referred(one.function_id))
        function, integration = functions.get(key), _referred(one.integration_id)
        if function is None:
            self._problems.append(f"{where}: function_id: there is no function {key}")
            return None
        before_source = function.resource_type is ResourceType.INSERT_SOURCE
        if not before_source and integration not in destinations:
            self._notes.append(f"{where}: left out: the destination that it is before was left out")
            return None
        return DesiredInsert(
            where=where,
            key=_id_of(label) or label,
            id=_id_of(label),
            name=one.name,
            order=0,
            source=integration if before_source else "",
            destination="" if before_source else integration,
            enabled=one.enabled,
            function=function.key,
            settings=self._settings(where, one.name or function.display_name, one.settings, function),
        )

    def _settings(
        self, where: str, name: str, written: str | None, function: DesiredFunction
    ) -> dict[str, object]:
        try:
            values = msgspec.json.decode(written or "{}", type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            self._problems.append(f"{where}: settings: no JSON object")
            return {}
        known = {definition.name for definition in function.settings}
        given: dict[str, object] = {}
        for setting, value in values.items():
            if setting not in known:
                self._notes.append(
                    f"{where}: settings.{setting} was left out: its function has no such setting"
                )
            elif isinstance(value, str) and value.startswith(MASK):
                variable = variable_name(f"{name}_{setting}")
                if variable in self._environ:
                    given[setting] = Secret(self._environ[variable])
                else:
                    self._notes.append(
                        f"{where}: settings.{setting} is a secret, taken from {variable}, which is not set"
                    )
            elif value is not None:
                given[setting] = value
        return given

    def _left_out(self) -> list[str]:
        taken = {
            "segment_function",
            "segment_source",
            "segment_destination",
            "segment_insert_function_instance",
        }
        counts = Counter({type_: len(found) for type_, found in self._found.items() if type_ not in taken})
        return [f"left out: {count} of {type_}" for type_, count in sorted(counts.items())]


def _made_of(
    metadata_id: str, functions: Mapping[str, DesiredFunction], kind: ResourceType
) -> DesiredFunction | None:
    function = functions.get(class_id(_referred(metadata_id)))
    return function if function and function.resource_type is kind else None


def _id_of(label: str) -> str | None:
    """The id that Git Sync names a resource after."""
    id_ = label.removeprefix("id-")
    return (
        id_ if id_ != label and id_.replace("_", "").isalnum() and id_.isascii() and len(id_) < 40 else None
    )


def _referred(text: str) -> str:
    """The key that a reference is to, or the id that is given."""
    parts = text.split(".")
    if len(parts) == 3 and parts[0].startswith("segment_"):
        id_ = _id_of(parts[1])
        return class_id(id_) if id_ else parts[1]
    return text


def _plain(value: object) -> object:
    """A value with references as the texts that they are."""
    if isinstance(value, Traversal):
        return value.text
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value

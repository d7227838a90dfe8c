"""A workspace as it lies in a directory, read.

::

    workspace.toml               name and slug
    functions/NAME/function.toml as ``isthmus new`` makes it, with its code beside it
    sources/NAME.toml
    destinations/NAME.toml
    inserts/NAME.toml
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from isthmus.abc import Runtime
from isthmus.commands import (
    Manifest,
    References,
    UsageFault,
    find_function,
    kind_named,
    language_of,
)
from isthmus.errors import LoadError
from isthmus.functions import SettingDefinition
from isthmus_server.store import BUILT_IN, HTTP_API, ResourceType, Running, class_id, function_id

from .desired import (
    Desired,
    DesiredDestination,
    DesiredFunction,
    DesiredInsert,
    DesiredSource,
    WorkspaceProblems,
)
from .resolving import Resolver
from .tables import CODE_BYTES, DestinationTable, InsertTable, SourceTable, WorkspaceTable, decode, read_bytes

__all__ = ["WORKSPACE_FILE", "read_directory"]

T = TypeVar("T")
U = TypeVar("U")

WORKSPACE_FILE: Final = "workspace.toml"
ENTRIES: Final = 10_000
"""Files of one kind; a directory with more is something else."""


def read_directory(root: Path, runtimes: Mapping[str, Runtime], environ: Mapping[str, str]) -> Desired:
    """Read a directory.

    Args:
        root: with a ``workspace.toml``.
        runtimes: by language; they put the code of functions together.
        environ: variables that settings may refer to.

    Raises:
        WorkspaceProblems: one line for each thing that is wrong.
    """
    problems: list[str] = []
    workspace = decode(read_bytes(root / WORKSPACE_FILE, WORKSPACE_FILE), WorkspaceTable, WORKSPACE_FILE)
    resolver = Resolver(References(root, environ))
    places = sorted(path.parent for path in (root / "functions").glob("*/function.toml"))
    functions = tuple(_gather(places, lambda path: _function(path, root, runtimes), problems))
    definitions = {function.key: function.settings for function in functions}

    def files(folder: str) -> list[Path]:
        return sorted((root / folder).glob("*.toml"))[: ENTRIES + 1]

    read: dict[str, list[Path]] = {folder: files(folder) for folder in ("sources", "destinations", "inserts")}
    problems += [f"{folder}: more than {ENTRIES} files" for folder in read if len(read[folder]) > ENTRIES]
    sources = _gather(read["sources"], lambda path: _source(path, root, definitions, resolver), problems)
    destinations = _gather(
        read["destinations"], lambda path: _destination(path, root, definitions, resolver), problems
    )
    inserts = _gather(read["inserts"], lambda path: _insert(path, root, definitions, resolver), problems)
    desired = Desired(
        name=workspace.name,
        slug=workspace.slug,
        functions=functions,
        sources=tuple(sources),
        destinations=tuple(destinations),
        inserts=tuple(inserts),
    )
    if problems:
        raise WorkspaceProblems(*problems)
    return desired


def _gather(paths: list[Path], read: Callable[[Path], U], problems: list[str]) -> Iterator[U]:
    for path in paths:
        try:
            yield read(path)
        except WorkspaceProblems as exc:
            problems += exc.problems


def _function(place: Path, root: Path, runtimes: Mapping[str, Runtime]) -> DesiredFunction:
    where = str((place / "function.toml").relative_to(root))
    try:
        read_bytes(place / "function.toml", where)
        project = find_function(str(place))
        manifest = project.manifest
        resource_type = _resource_type(manifest, where)
        language = language_of(project, runtimes)
        code = project.assemble(runtimes.get(language))
    except (UsageFault, LoadError) as exc:
        said = str(exc).replace(f"{root}/", "")
        raise WorkspaceProblems(said if said.startswith(where) else f"{where}: {said}") from None
    if len(code) > CODE_BYTES:
        raise WorkspaceProblems(f"{where}: its code is longer than the limit of {CODE_BYTES} bytes")
    if isinstance(code, bytes):
        raise WorkspaceProblems(f"{where}: its code is no text, and a store keeps text alone")
    if manifest.fan_out and resource_type is not ResourceType.INSERT_SOURCE:
        raise WorkspaceProblems(f"{where}: fan_out is for source inserts")
    return DesiredFunction(
        where=where,
        key=place.name,
        id=_bare(manifest.id, resource_type, where),
        resource_type=resource_type,
        display_name=manifest.name or place.name,
        description=manifest.description,
        logo_url=manifest.logo_url,
        language=language,
        file=str(project.code.relative_to(root)) if project.code.is_relative_to(root) else str(project.code),
        code=code,
        settings=project.settings or (),
        running=Running(**{field: getattr(manifest, field) for field in Running.__struct_fields__}),
    )


def _resource_type(manifest: Manifest, where: str) -> ResourceType:
    if not manifest.kind:
        raise WorkspaceProblems(f"{where}: it has no kind: source, destination, insert or source_insert")
    kind = kind_named(manifest.kind)
    return next(resource_type for resource_type in ResourceType if resource_type.kind is kind)


def _bare(given: str, resource_type: ResourceType, where: str) -> str | None:
    if not given:
        return None
    bare = class_id(given)
    if given != function_id(resource_type, bare) or not (
        bare.isascii() and bare.isalnum() and len(bare) < 35
    ):
        expected = function_id(resource_type, "...")
        raise WorkspaceProblems(
            f"{where}: id: the id of a {resource_type.kind.value} function is {expected!r} with letters and digits"
        )
    return bare


def _source(
    path: Path, root: Path, definitions: Mapping[str, tuple[SettingDefinition, ...]], resolver: Resolver
) -> DesiredSource:
    where = str(path.relative_to(root))
    table = decode(read_bytes(path, where), SourceTable, where)
    slug = table.slug or path.stem
    keys, secret = table.write_keys, table.webhook_secret
    return DesiredSource(
        where=where,
        key=path.stem,
        id=table.id,
        slug=slug,
        name=table.name or slug,
        enabled=table.enabled,
        function=table.function,
        built_in="" if table.function else HTTP_API,
        settings=resolver.settings(
            table.settings, _definitions(table.function, "", definitions, where), where
        ),
        write_keys=None
        if keys is None
        else tuple(sorted({_key(resolver.text(key, f"{where}: write_keys"), where) for key in keys})),
        webhook_secret=None
        if secret is None
        else _key(resolver.text(secret, f"{where}: webhook_secret"), where),
    )


def _key(text: str, where: str) -> str:
    if not (0 < len(text) <= 64 and text.isascii() and text.isprintable()):
        raise WorkspaceProblems(f"{where}: a write key or secret is 1 to 64 characters of ASCII")
    return text


def _destination(
    path: Path, root: Path, definitions: Mapping[str, tuple[SettingDefinition, ...]], resolver: Resolver
) -> DesiredDestination:
    where = str(path.relative_to(root))
    table = decode(read_bytes(path, where), DestinationTable, where)
    if bool(table.function) == bool(table.built_in):
        raise WorkspaceProblems(f"{where}: it is of a function or of something built in: give one of the two")
    built_in = _built_in(table.built_in, where) if table.built_in else ""
    return DesiredDestination(
        where=where,
        key=path.stem,
        id=table.id,
        name=table.name or path.stem,
        source=table.source,
        enabled=table.enabled,
        function=table.function,
        built_in=built_in,
        settings=resolver.settings(
            table.settings, _definitions(table.function, built_in, definitions, where), where
        ),
    )


def _built_in(slug: str, where: str) -> str:
    known = {entry.slug: entry.id for entry in BUILT_IN if entry.resource_type is ResourceType.DESTINATION}
    if slug not in known:
        raise WorkspaceProblems(f"{where}: built_in is one of {', '.join(known)}, not {slug!r}")
    return known[slug]


def _insert(
    path: Path, root: Path, definitions: Mapping[str, tuple[SettingDefinition, ...]], resolver: Resolver
) -> DesiredInsert:
    where = str(path.relative_to(root))
    table = decode(read_bytes(path, where), InsertTable, where)
    if bool(table.source) == bool(table.destination):
        raise WorkspaceProblems(f"{where}: it is before a source or a destination: give one of the two")
    return DesiredInsert(
        where=where,
        key=path.stem,
        id=table.id,
        name=table.name,
        order=table.order,
        source=table.source,
        destination=table.destination,
        enabled=table.enabled,
        function=table.function,
        settings=resolver.settings(
            table.settings, _definitions(table.function, "", definitions, where), where
        ),
    )


def _definitions(
    function: str, built_in: str, definitions: Mapping[str, tuple[SettingDefinition, ...]], where: str
) -> tuple[SettingDefinition, ...]:
    if not function:
        return next((entry.settings for entry in BUILT_IN if entry.id == built_in), ())
    if function not in definitions:
        # A function whose own file is at fault is missing as well; its own line says why.
        raise WorkspaceProblems(f"{where}: function: functions/{function} is no function that can be read")
    return definitions[function]

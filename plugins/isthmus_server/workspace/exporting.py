"""The files of a workspace, of what a store keeps: secrets by reference to variables of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, final

import msgspec

from isthmus.abc import Runtime
from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.store import (
    BUILT_IN,
    Destination,
    InsertInstance,
    SettingValues,
    Source,
    StoredFunction,
    function_id,
)

from .desired import WorkspaceProblems
from .kept import Kept
from .reading import WORKSPACE_FILE
from .resolving import LITERAL, looks_like_reference
from .tomltext import toml_text
from .variables import variable_name

__all__ = ["Exported", "export_of", "write_export", "write_secrets"]

NAME_LENGTH: Final = 60


@final
class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace as files.

    Attributes:
        files: contents by path within the directory.
        secrets: values by the names of the variables that the files refer to.
        notes: a line for each thing that the files do not say.
    """

    files: Mapping[str, str]
    secrets: Mapping[str, str]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Exported({', '.join(self.files)})"


def export_of(kept: Kept, runtimes: Mapping[str, Runtime]) -> Exported:
    """Write a store's workspace as files.

    Args:
        kept: what the store has.
        runtimes: by language, for the suffixes of code.
    """
    return _Export(kept, runtimes).exported()


def write_export(exported: Exported, root: Path) -> None:
    """Write files into a directory that is new or empty.

    Raises:
        WorkspaceProblems: it has something in it, or can't be written to.
    """
    try:
        if root.exists() and any(path for path in root.iterdir() if path.name != ".git"):
            raise WorkspaceProblems(f"{root} has something in it already; nothing was written")
        for name, text in exported.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    except OSError as exc:
        raise WorkspaceProblems(f"{root} cannot be written: {exc.strerror}") from None


def write_secrets(secrets: Mapping[str, str], path: Path) -> None:
    """Write the variables as JSON, into a new file that its owner alone can read.

    Raises:
        WorkspaceProblems: it is there already, or can't be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        raise WorkspaceProblems(f"{path} cannot be written: {exc.strerror}") from None
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(secrets)) + b"\n")


@final
class _Export:
    def __init__(self, kept: Kept, runtimes: Mapping[str, Runtime]) -> None:
        self._kept = kept
        self._runtimes = runtimes
        self._files: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._notes: list[str] = []
        self._names: dict[str, dict[str, str]] = {}
        self._definitions = {function.id: function.settings for function in kept.functions} | {
            entry.id: entry.settings for entry in BUILT_IN
        }

    def exported(self) -> Exported:
        kept = self._kept
        workspace = {"name": kept.workspace.name, "slug": kept.workspace.slug}
        self._files[WORKSPACE_FILE] = toml_text(workspace)
        for function in kept.functions:
            self._function(function)
        for source in kept.sources:
            self._source(source)
        for destination in kept.destinations:
            self._destination(destination)
        for insert in kept.inserts:
            self._insert(insert)
        return Exported(files=self._files, secrets=self._secrets, notes=tuple(self._notes))

    def _function(self, function: StoredFunction) -> None:
        name = self._name("functions", function.id, function.display_name)
        runtime = self._runtimes.get(function.language)
        code = f"function{runtime.suffixes[0] if runtime and runtime.suffixes else '.txt'}"
        values = {
            "id": function_id(function.resource_type, function.id),
            "name": function.display_name,
            "description": function.description,
            "logo_url": function.logo_url,
            "kind": function.resource_type.kind.value,
            "language": function.language,
            "code": code,
        }
        settings = [_definition(definition) for definition in function.settings]
        self._files[f"functions/{name}/function.toml"] = toml_text(
            {field: value for field, value in values.items() if value}
            | msgspec.to_builtins(function.running),
            {"settings": settings} if settings else {},
        )
        self._files[f"functions/{name}/{code}"] = function.code
        if function.deployed != function.latest and function.resource_type.kind.value != "source":
            self._notes.append(
                f"functions/{name}: an older version runs; the newest was written, and is what apply runs"
            )

    def _source(self, source: Source) -> None:
        name = self._name("sources", source.id, source.slug)
        keys = [
            {"env": self._secret(f"{name}_write_key{f'_{at}' if at > 1 else ''}", key)}
            for at, key in enumerate(source.write_keys, start=1)
        ]
        values: dict[str, Any] = {
            "id": source.id,
            "slug": source.slug,
            "name": source.name,
            "enabled": source.enabled,
        }
        if source.function:
            values["function"] = self._names["functions"][source.function]
            latest = next(one.latest for one in self._kept.functions if one.id == source.function)
            if source.deployed != latest:
                self._notes.append(
                    f"sources/{name}.toml: {'an older version' if source.deployed else 'no version'} of its function "
                    "runs there; apply deploys the newest"
                )
        values |= {
            "write_keys": keys,
            "webhook_secret": {"env": self._secret(f"{name}_webhook_secret", source.webhook_secret)},
        }
        self._instance(f"sources/{name}", values, source.metadata_id, source.settings)

    def _destination(self, destination: Destination) -> None:
        name = self._name("destinations", destination.id, destination.name)
        values: dict[str, Any] = {
            "id": destination.id,
            "name": destination.name,
            "source": self._names["sources"][destination.source],
            "enabled": destination.enabled,
        }
        if destination.function:
            values["function"] = self._names["functions"][destination.function]
        else:
            values["built_in"] = next(entry.slug for entry in BUILT_IN if entry.id == destination.metadata_id)
        self._instance(f"destinations/{name}", values, destination.metadata_id, destination.settings)

    def _insert(self, insert: InsertInstance) -> None:
        function = self._names["functions"][insert.function]
        name = self._name("inserts", insert.id, insert.name or function)
        values: dict[str, Any] = {"id": insert.id}
        values |= {} if insert.name is None else {"name": insert.name}
        values |= {"enabled": insert.enabled, "function": function}
        beside = [one.id for one in self._kept.inserts if one.integration == insert.integration]
        values |= {"order": beside.index(insert.id) + 1} if len(beside) > 1 else {}
        if insert.integration in self._names.get("sources", {}):
            values["source"] = self._names["sources"][insert.integration]
        else:
            values["destination"] = self._names["destinations"][insert.integration]
        self._instance(f"inserts/{name}", values, insert.function, insert.settings)

    def _instance(self, path: str, values: Mapping[str, Any], model: str, settings: SettingValues) -> None:
        written = self._settings(path, self._definitions[model], settings)
        self._files[f"{path}.toml"] = toml_text(values, {"settings": written} if written else {})

    def _settings(
        self, path: str, definitions: Iterable[SettingDefinition], settings: SettingValues
    ) -> dict[str, Any]:
        written: dict[str, Any] = {}
        types = {definition.name: definition.type for definition in definitions}
        for name, value in sorted(settings.values.items()):
            if name not in types:
                self._notes.append(
                    f"{path}.toml: the value of {name!r} was left out: its function has no such setting"
                )
            elif name in settings.secret:
                is_text = types[name] is SettingType.STRING and isinstance(value, str)
                text = value if is_text else msgspec.json.encode(value).decode()
                written[name] = {"env": self._secret(f"{path.rpartition('/')[2]}_{name}", text)}
            else:
                written[name] = (
                    {LITERAL: value} if looks_like_reference(value, "env", "file", LITERAL) else value
                )
        return written

    def _name(self, folder: str, id_: str, wanted: str) -> str:
        """A name for a file, that no other of its folder has."""
        taken = self._names.setdefault(folder, {})
        plain = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:NAME_LENGTH].strip("-") or folder[:-1]
        name, number = plain, 1
        while name in taken.values():
            number += 1
            name = f"{plain}-{number}"
        taken[id_] = name
        return name

    def _secret(self, wanted: str, value: str) -> str:
        """The name of the variable for a secret, that no other has."""
        plain = variable_name(wanted)
        name, number = plain, 1
        while name in self._secrets:
            number += 1
            name = f"{plain}_{number}"
        self._secrets[name] = value
        return name


def _definition(definition: SettingDefinition) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": definition.name}
    fields |= {name: value for name in ("label", "description") if (value := getattr(definition, name))}
    fields["type"] = definition.type.value
    fields |= {name: True for name in ("required", "sensitive") if getattr(definition, name)}
    return fields

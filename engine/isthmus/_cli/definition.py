"""A function as it lies on disk: its code, and the ``function.toml`` beside it that defines it."""

from __future__ import annotations

import difflib
import os.path
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, final

import msgspec

from isthmus.abc import Runtime
from isthmus.errors import InvalidFunction
from isthmus.functions import Function, Kind, SettingDefinition
from isthmus.templates import MANIFEST

from .faults import UsageFault

__all__ = ["MANIFEST", "Manifest", "Project", "Sample", "find", "kind_named", "language_of"]

USUAL: Final = "function.js"
"""The code, where a definition does not name it; ``function.ts`` and the like if that is the only one."""


@final
class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes with a function so that it can be tried: the table ``[sample]``.

    Attributes:
        events: file of events, or of webhooks.
        expected: file of what should become of them, for ``isthmus test``.
        sink: the setting that takes the URL of a local sink.
        replies: file of what that sink answers.
        settings: values for the local sink and for these events; other events without a sink never see them.
    """

    events: str = ""
    expected: str = ""
    sink: str = ""
    replies: str = ""
    settings: dict[str, Any] = {}


@final
class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``function.toml``; the fields are those of :class:`isthmus.Function`.

    Attributes:
        id: what a store of functions knows it by; nothing here looks at it, nor at ``logo_url``.
        logo_url: an image that stands for it in a catalog.
        build: command that makes ``code`` of its sources, within the directory; nothing here runs it.
    """

    id: str = ""
    name: str = ""
    description: str = ""
    logo_url: str = ""
    kind: str = ""
    language: str = ""
    code: str = ""
    build: str = ""
    isolation: Literal["call", "instance", "wasm"] = "call"
    lenient: bool = False
    pass_through: bool = False
    capabilities: tuple[str, ...] = ()
    fan_out: bool = False
    settings: tuple[dict[str, Any], ...] | None = None
    sample: Sample = Sample()


@final
class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A function that was found on disk.

    Attributes:
        code: its code's file.
        root: the directory that the files of its sample are in.
        manifest: what its definition says, all of it empty where it has none.
        settings: the settings it defines, None where nothing says which it takes.
    """

    code: Path
    root: Path
    manifest: Manifest = Manifest()
    settings: tuple[SettingDefinition, ...] | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.manifest.name or self.code.stem

    def sample_file(self, name: str) -> str:
        """The path of a file of its sample, "" where it has none."""
        return str(self.root / name) if name else ""

    def assemble(self, runtime: Runtime | None) -> str | bytes:
        """Its code in one piece, as its runtime puts it together; the file's bytes where there is none.

        Raises:
            UsageFault: the file cannot be read.
            LoadError: the pieces do not fit together.
        """
        try:
            code = runtime.assemble(self.code, self.root) if runtime else self.code.read_bytes()
        except OSError as exc:
            raise UsageFault(f"{self.code} cannot be read: {exc.strerror}") from None
        try:
            return code if isinstance(code, str) else code.decode()
        except UnicodeDecodeError:
            return code  # a compiled module; the runtime of a language in text says what it thinks

    def function(self, code: str | bytes, *, kind: Kind, language: str) -> Function:
        """Make a value of it all.

        Raises:
            UsageFault: the definition contradicts itself.
        """
        try:
            return Function(
                name=self.name,
                kind=kind,
                language=language,
                code=code,
                file=str(self.code),
                settings=self.settings or (),
                isolation=self.manifest.isolation,
                lenient=self.manifest.lenient,
                pass_through=self.manifest.pass_through,
                capabilities=self.manifest.capabilities,
                fan_out=self.manifest.fan_out,
            )
        except InvalidFunction as exc:
            raise UsageFault(str(exc)) from None


def find(path: str, definition: str | None = None) -> Project:
    """Find a function by its file, or by its directory.

    A directory has a ``function.toml``, which names the code.  A file is defined by the
    ``function.toml`` beside it, if that one names this file.

    Args:
        path: as given on the command line.
        definition: path of another definition, or None.

    Raises:
        UsageFault: there is none, or its definition is not one.
    """
    place = Path(path)
    if not os.path.exists(place):  # which no name is too long or too odd for
        raise UsageFault(f"there is no file or directory {path!r}{_near(place)}")
    if place.is_dir():
        manifest_path = Path(definition) if definition else place / MANIFEST
        if not manifest_path.exists():
            raise UsageFault(f"the directory {path!r} has no {MANIFEST}; name the function's file instead")
        manifest, settings = _read_manifest(manifest_path)
        code = place / (manifest.code or _usual_code(place))
        if not os.path.isfile(code):
            raise UsageFault(
                f"{manifest_path} names the code {manifest.code or USUAL!r}, and there is no file {code}"
                + (f"; it is built, in {place}, by: {manifest.build}" if manifest.build else "")
            )
        return Project(code=code, root=place, manifest=manifest, settings=settings)
    if definition:
        manifest, settings = _read_manifest(Path(definition))
        return Project(code=place, root=Path(definition).parent, manifest=manifest, settings=settings)
    beside = place.parent / MANIFEST
    if beside.is_file():
        manifest, settings = _read_manifest(beside)
        if place.name == (manifest.code or _usual_code(place.parent)):
            return Project(code=place, root=place.parent, manifest=manifest, settings=settings)
    return Project(code=place, root=place.parent)


def _usual_code(directory: Path) -> str:
    """The name of the code where a definition gives none: ``function`` with a suffix."""
    if (directory / USUAL).is_file():
        return USUAL
    named = sorted(path.name for path in directory.glob("function.*") if path.name != MANIFEST)
    return named[0] if len(named) == 1 else USUAL


def kind_named(text: str) -> Kind:
    """Read a kind: ``source``, ``destination``, ``insert``, ``source_insert`` (or with a hyphen).

    Raises:
        UsageFault: there is no such kind.
    """
    try:
        return Kind(text.lower().replace("-", "_"))
    except ValueError:
        raise UsageFault(f"a kind is one of {', '.join(Kind)}, not {text!r}") from None


def language_of(project: Project, runtimes: Mapping[str, Runtime], chosen: str = "") -> str:
    """Say which language a function is in: as chosen, as defined, or by its file's suffix.

    Raises:
        UsageFault: no runtime takes the suffix.
    """
    if chosen or project.manifest.language:
        return chosen or project.manifest.language
    suffix = project.code.suffix
    for language, runtime in runtimes.items():
        if suffix in runtime.suffixes:
            return language
    known = ", ".join(
        f"{language} ({' '.join(runtime.suffixes)})" for language, runtime in sorted(runtimes.items())
    )
    raise UsageFault(
        f"no runtime takes {project.code.name!r} by its suffix; "
        + (
            f"there is {known}; choose one by --language"
            if known
            else "none is installed: see isthmus plugins"
        )
    )


def read_file(path: Path) -> bytes:
    """Read a whole file.

    Raises:
        UsageFault: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UsageFault(f"{path} cannot be read: {exc.strerror}") from None
    except ValueError as exc:  # a zero within its name
        raise UsageFault(f"{path} cannot be read: {exc}") from None


def _read_manifest(path: Path) -> tuple[Manifest, tuple[SettingDefinition, ...] | None]:
    try:
        manifest = msgspec.toml.decode(read_file(path), type=Manifest)
        if manifest.settings is None:
            return manifest, None
        for entry in manifest.settings:
            if unknown := sorted(entry.keys() - set(SettingDefinition.__struct_fields__)):
                raise msgspec.ValidationError(f"a setting has no field {unknown[0]!r}")
        return manifest, msgspec.convert(manifest.settings, tuple[SettingDefinition, ...])
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise UsageFault(f"{path} is no definition of a function: {exc}") from None


def _near(place: Path) -> str:
    """Suggest what the caller may have meant."""
    try:
        names = [entry.name for entry in place.parent.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(place.name, names, n=1)
    return f"; did you mean {str(place.with_name(near[0]))!r}?" if near else ""

"""The TOML files of a workspace, as they are written down, and how they are decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, final

import msgspec

from .desired import WorkspaceProblems

__all__ = [
    "CODE_BYTES",
    "DestinationTable",
    "InsertTable",
    "SourceTable",
    "WorkspaceTable",
    "Written",
    "decode",
    "read_bytes",
]

FILE_BYTES: Final = 1024 * 1024
"""Of one file of TOML."""

CODE_BYTES: Final = 6 * 1024 * 1024
"""Of a function's code, in one piece, and of a file of Terraform that holds it; the API takes no request that is longer."""

T = TypeVar("T", bound=msgspec.Struct)

Written = str | dict[str, Any]
"""Text, or a reference to it: ``{env = "NAME"}`` or ``{file = "PATH"}``."""

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,34}$")]
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file; what it holds may be secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


@final
class WorkspaceTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``workspace.toml``."""

    name: str
    slug: Slug


@final
class SourceTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``sources/*.toml``; of a function, or of the built-in HTTP API.

    Attributes:
        slug: the file's name by default.
        name: the slug by default.
        function: name of a directory in ``functions``.
        settings: values, each as it is or by reference.
        write_keys, webhook_secret: as they are or by reference.
    """

    id: Id | None = None
    slug: Slug | None = None
    name: str | None = None
    enabled: bool = True
    function: str = ""
    settings: dict[str, Any] = {}
    write_keys: tuple[Written, ...] | None = None
    webhook_secret: Written | None = None


@final
class DestinationTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``destinations/*.toml``; of a function or of something built in.

    Attributes:
        name: the file's name by default.
        source: name of a file in ``sources``.
        function: name of a directory in ``functions``.
        built_in: slug of a catalog entry, ``webhooks``.
        settings: values, each as it is or by reference.
    """

    id: Id | None = None
    name: str | None = None
    source: str
    enabled: bool = True
    function: str = ""
    built_in: str = ""
    settings: dict[str, Any] = {}


@final
class InsertTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``inserts/*.toml``: an insert function before a source or a destination.

    Attributes:
        function: name of a directory in ``functions``.
        source: name of a file in ``sources``, for a source insert.
        destination: name of a file in ``destinations``, for an insert of a destination.
        order: events pass the inserts of a source from the least to the greatest, those of one order by their files' names.
        settings: values, each as it is or by reference.
    """

    id: Id | None = None
    name: str | None = None
    enabled: bool = True
    order: int = 0
    function: str
    source: str = ""
    destination: str = ""
    settings: dict[str, Any] = {}


def read_bytes(path: Path, where: str, limit: int = FILE_BYTES) -> bytes:
    """Read a file of a workspace.

    Args:
        path: the file.
        where: its path within the directory, for messages.
        limit: bytes that it may have.

    Raises:
        WorkspaceProblems: it can't be read, or is longer than the limit.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as exc:
        raise WorkspaceProblems(f"{where}: cannot be read: {exc.strerror}") from None
    if len(data) > limit:
        raise WorkspaceProblems(f"{where}: longer than the limit of {limit} bytes")
    return data


def decode(data: bytes, kind: type[T], where: str) -> T:
    """Decode a TOML file; unknown fields are refused.

    Raises:
        WorkspaceProblems: with the field at fault, what was expected and what came; of values only their type.
    """
    try:
        return msgspec.toml.decode(data, type=kind)
    except msgspec.ValidationError as exc:
        known = ", ".join(kind.__struct_fields__)
        more = f"; it has {known}" if "unknown field" in str(exc) else ""
        raise WorkspaceProblems(f"{where}: {exc}{more}") from None
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        # A message of the parser may show a character, and no value.
        raise WorkspaceProblems(f"{where}: no TOML: {exc}") from None

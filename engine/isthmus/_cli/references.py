"""Values that a file names instead of holding them: a variable of the environment, or a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

import msgspec

from isthmus.functions import SettingDefinition

from .faults import UsageFault
from .values import gather, guess_definitions

__all__ = ["References", "Values"]

VALUE_BYTES: Final = 1024 * 1024
"""Of a file that holds one value."""


@final
class Values(msgspec.Struct, frozen=True):
    """The values of an instance's settings.

    Attributes:
        values: by the setting's name.
        definitions: those of the function, what was referred to being sensitive; guessed where it has none.
    """

    values: dict[str, object]
    definitions: tuple[SettingDefinition, ...]

    def __repr__(self) -> str:
        return "Values(...)"


@final
class References:
    """Looks up what ``{env = "NAME"}`` and ``{file = "PATH"}`` stand for.

    Args:
        root: directory that paths are relative to.
        environ: variables.
    """

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ

    def text(self, written: str | dict[str, Any], where: str) -> str:
        """Give the text that is written down, or that a reference stands for.

        A line end at the end of a file is not part of it.

        Raises:
            UsageFault: there is no such variable or file; neither is shown.
        """
        if isinstance(written, str):
            return written
        if not _refers(written):
            raise UsageFault(f'{where} is text, {{env = "NAME"}} or {{file = "PATH"}}')
        how, name = next((str(how), str(name)) for how, name in written.items())
        if how == "env":
            if name not in self._environ:
                raise UsageFault(f"{where} takes the variable {name}, and there is none")
            return self._environ[name]
        try:
            with (self._root / name).open("rb") as file:
                data = file.read(VALUE_BYTES + 1)
        except OSError as exc:
            raise UsageFault(f"{where} takes the file {name}, which cannot be read: {exc.strerror}") from None
        except ValueError as exc:  # a zero within its name
            raise UsageFault(f"{where} takes the file {name!r}, which cannot be read: {exc}") from None
        if len(data) > VALUE_BYTES:
            raise UsageFault(f"{where} takes the file {name}, which is longer than {VALUE_BYTES} bytes")
        try:
            return data.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise UsageFault(f"{where} takes the file {name}, which is no UTF-8") from None

    def settings(
        self,
        written: str | dict[str, Any],
        definitions: tuple[SettingDefinition, ...] | None,
        where: str,
    ) -> Values:
        """Give the values of settings: a file of them, or a table whose values may be references.

        Raises:
            UsageFault: the file is none, or a reference leads nowhere.
        """
        if isinstance(written, str):
            values = gather(definitions, file=str(self._root / written), environ={}, below={})
            return Values(values, guess_definitions(values) if definitions is None else definitions)
        referred = {name: value for name, value in written.items() if _refers(value)}
        plain = {name: value for name, value in written.items() if name not in referred}
        if odd := [name for name in referred if "=" in name]:
            raise UsageFault(f"{where}: no setting is called {odd[0]!r}")
        pairs = [f"{name}={self.text(value, f'{where}: {name}')}" for name, value in referred.items()]
        values = gather(definitions, environ={}, pairs=pairs, below=plain)
        if definitions is None:
            definitions = guess_definitions(values)
        # Who keeps a value out of the file does not want to see it in a log either.
        hidden = tuple(
            msgspec.structs.replace(definition, sensitive=True) if definition.name in referred else definition
            for definition in definitions
        )
        return Values(values, hidden)


def _refers(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 1
        and all(how in {"env", "file"} and isinstance(name, str) and name for how, name in value.items())
    )

"""What is said where the packages of the extra are not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from isthmus.errors import PluginError

__all__ = ["of_the_extra"]


@contextmanager
def of_the_extra(extra: str = "server") -> Iterator[None]:
    """Say how a package comes to be installed, where importing it fails.

    Args:
        extra: of this distribution, that brings what is imported here.

    Raises:
        PluginError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        raise PluginError(
            f"isthmus_server needs {exc.name!r}, which is not installed: pip install 'isthmus[{extra}]'"
        ) from exc

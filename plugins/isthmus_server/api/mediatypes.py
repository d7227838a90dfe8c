"""The media types that name a version of the API: any of them may be asked for and sent, and all mean JSON."""

from __future__ import annotations

from typing import Final

__all__ = ["JSON", "MEDIA_TYPES", "accepts_json", "is_json"]

JSON: Final = "application/json"
MEDIA_TYPES: Final = (
    JSON,
    *(
        f"application/vnd.segment.{version}+json"
        for version in ("v1", "v1beta", "v1alpha", "stable", "beta", "alpha")
    ),
)
RANGES: Final = frozenset({"*/*", "application/*"})
LONGEST: Final = 4096
"""Characters of an ``Accept`` that are looked at."""


def accepts_json(header: str | None) -> bool:
    """Whether an ``Accept`` lets the answer be JSON: one of the seven types, or a range they are in, not with ``q=0``."""
    if header is None or not header.strip():
        return True
    for part in header[:LONGEST].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if (name in MEDIA_TYPES or name in RANGES) and not any(map(_refuses, parameters)):
            return True
    return False


def is_json(header: str | None) -> bool:
    """Whether a ``Content-Type`` is one of the seven; without one a body is taken for JSON."""
    return header is None or header.partition(";")[0].strip().lower() in MEDIA_TYPES


def _refuses(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip().rstrip("0") in {"", "."}

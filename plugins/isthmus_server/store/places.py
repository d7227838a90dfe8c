"""Where each sealed value is kept, as it is bound to that place."""

from __future__ import annotations

from typing import Final

__all__ = [
    "SESSION",
    "TOKEN_KEY",
    "destination_settings",
    "insert_settings",
    "source_settings",
    "source_webhook",
]

TOKEN_KEY: Final = "workspace/token_key"  # noqa: S105 -- a place, not a secret

SESSION: Final = "session"
"""Not kept here at all, but by browsers."""


def source_settings(source: str) -> str:
    return f"source/{source}/settings"


def source_webhook(source: str) -> str:
    return f"source/{source}/webhook"


def destination_settings(destination: str) -> str:
    return f"destination/{destination}/settings"


def insert_settings(instance: str) -> str:
    return f"insert/{instance}/settings"

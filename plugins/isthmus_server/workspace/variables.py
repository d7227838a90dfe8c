"""What the variables are called that secrets are taken from."""

from __future__ import annotations

import re

__all__ = ["variable_name"]


def variable_name(text: str) -> str:
    """A variable's name: ``CRM_API_KEY`` for ``crm_apiKey``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    plain = re.sub(r"[^A-Z0-9]+", "_", parted.upper()).strip("_") or "SECRET"
    return f"_{plain}" if plain[0].isdigit() else plain

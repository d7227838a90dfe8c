"""Cryptography by the host, against the same in interpreted JavaScript."""

from .command import main

__all__ = ["main"]

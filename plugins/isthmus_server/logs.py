"""Logs as JSON, a line for each record."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, final

import msgspec

__all__ = ["JsonLines", "json_logging"]

LOGGERS: Final = ("isthmus", "hypercorn.error")


@final
class JsonLines(logging.Formatter):
    """Formats a record as an object: ``at``, ``level``, ``logger``, ``message``, what ``extra={"fields": {...}}`` gave, ``trace``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode("utf-8", "replace")


@contextmanager
def json_logging(*, debug: bool) -> Iterator[None]:
    """Send what is logged to standard error as JSON, in place of whoever else listens."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = [handler]
        quiet = logging.WARNING if logger.name == "hypercorn.error" else logging.INFO
        logger.setLevel(logging.DEBUG if debug else quiet)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate

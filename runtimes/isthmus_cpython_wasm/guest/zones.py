"""Time zones, read while the component is built: there is no file to read them from later."""

from __future__ import annotations

import io
import pathlib
import zoneinfo
import zoneinfo._common

__all__ = ["install"]

HERE = pathlib.Path(__file__).parent / "zones"


def install() -> None:
    """Keep what there is, and have ``zoneinfo`` find it."""
    known = {str(file.relative_to(HERE)): file.read_bytes() for file in HERE.rglob("*") if file.is_file()}

    def load_tzdata(key: str) -> io.BytesIO:
        if key not in known:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        return io.BytesIO(known[key])

    zoneinfo._common.load_tzdata = load_tzdata  # type: ignore[assignment] # a file, if not on disk
    zoneinfo.available_timezones = lambda: set(known)

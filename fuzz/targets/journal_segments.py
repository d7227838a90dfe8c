"""Whatever a segment of a journal holds, reading it ends, gives whole lines, and passes over what is no record."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from isthmus._journal.attempts import AttemptRecord, decoded
from isthmus._journal.reading import LINE_BYTES, JournalReader
from isthmus._journal.segments import new_segment
from isthmus.archive import ArchivedEvent, ArchiveReader


def check(data: bytes) -> None:
    """The bytes are a segment as it stands on the disk; and what a sound one holds."""
    with tempfile.TemporaryDirectory() as directory:
        segment = new_segment(Path(directory), 1e9)
        segment.write_bytes(data)
        for line in JournalReader(Path(directory)).lines():
            assert b"\n" not in line
            record = decoded(line)
            assert record is None or isinstance(record, AttemptRecord)
        segment.write_bytes(gzip.compress(data, 1))
        lines = list(JournalReader(Path(directory)).lines())
        assert lines == data.split(b"\n")[:-1] or max(map(len, data.split(b"\n"))) > LINE_BYTES
        assert all(isinstance(event, ArchivedEvent) for event in ArchiveReader(directory).events())

"""A binary that is no WebAssembly is a ValueError and nothing else; of one that is, we read what wasmtime reads."""

from __future__ import annotations

from fuzz.oracles import instantiated
from isthmus_quickjs._image import MAGIC, initial_memory, section, sections, without_data

START_SECTION = 8


def check(data: bytes) -> None:
    try:
        parts = list(sections(data))
    except ValueError:
        parts = None
    try:
        stripped = without_data(data)
    except ValueError:
        assert parts is None
    else:
        assert parts is not None
        assert list(sections(stripped)) == [part for part in parts if part[0] not in {0, 11, 12}]
        assert without_data(stripped) == stripped
        rebuilt = MAGIC + b"".join(section(number, body) for number, body in parts)
        assert list(sections(rebuilt)) == parts
    try:
        memory = initial_memory(data)
    except ValueError:
        return
    assert len(memory) <= (1 << 26) + len(data)
    if parts is not None and all(number != START_SECTION for number, _ in parts):
        made = instantiated(data)
        # A memory that its module leaves empty may be smaller than nothing we read.
        assert made is None or made == memory + bytes(len(made) - len(memory)), (
            "wasmtime reads another memory"
        )

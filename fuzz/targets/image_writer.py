"""Any memory, however sparse, comes back from wasmtime as it went into an image module, and so from our own reader."""

from __future__ import annotations

from fuzz.generators import sparse_memory
from fuzz.oracles import instantiated
from isthmus_quickjs._image import PAGE, image_module, initial_memory, sections


def check(data: bytes) -> None:
    memory = sparse_memory(data)
    pages = max(1, -(-len(memory) // PAGE))
    module = image_module(memory, pages)
    made = instantiated(module)
    assert made is not None, "wasmtime takes no such module"
    assert len(made) == pages * PAGE
    assert made == memory + bytes(len(made) - len(memory))
    read = initial_memory(module)
    assert read == made[: len(read)]
    assert not any(made[len(read) :])
    assert [number for number, _ in sections(module)] == [5, 7, 11]

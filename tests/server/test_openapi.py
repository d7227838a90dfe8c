"""The OpenAPI document: whole, and true of what is answered, as schemathesis finds by trying."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.server.asking import Api
from tests.server.serving import served

from isthmus_server.api import RateLimit
from isthmus_server.api.table import ROUTES

LONG = os.environ.get("ISTHMUS_SCHEMATHESIS") == "long"
HOW = ["--phases", "coverage,fuzzing,stateful", "--max-examples", "100"]
QUICK = ["--phases", "fuzzing,stateful", "--max-examples", "3", "--generation-deterministic"]


async def test_the_document_is_one_and_has_every_operation(api: Api) -> None:
    answer = await api.ask("GET", "/openapi.json", token="")
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    written = {
        (method.upper(), path, operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert written == {(route.method, route.path, route.operation) for route in ROUTES}


def test_operations_have_names_of_their_own() -> None:
    assert len({route.operation for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.slow
async def test_whatever_is_asked_the_document_says_what_comes(api: Api, tmp_path: Path) -> None:
    unlimited = Api(api.store, api.engine, api.token, RateLimit(points=10**9))
    async with served(unlimited.application) as address:
        done = await trio.run_process(
            [
                str(Path(sys.executable).with_name("st")),
                *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
                *("run", f"{address}/openapi.json", "--header", f"Authorization: Bearer {api.token}"),
                *("--exclude-path", "/echo", "--no-color"),  # the echo gives a 500 to who asks for one
                *(HOW if LONG else QUICK),
            ],
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            cwd=tmp_path,  # it keeps a cache where it is started
        )
    report = done.stdout.decode()
    assert done.returncode == 0, report
    tried = re.search(r"(\d+) generated, (\d+) passed", report)
    assert tried is not None, report
    assert int(tried[1]) > 100

"""Segment's own client for TypeScript against the API as it is served: every operation, and every way to fail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.npm import installed
from tests.server.asking import Api
from tests.server.serving import served

from isthmus_server.api import RateLimit
from isthmus_server.store import Grant, Role

SDK = Path(__file__).parent / "sdk"


@pytest.fixture
async def steps(api: Api) -> Any:
    modules = await trio.to_thread.run_sync(installed, SDK)
    reader = await api.token_for(Grant(Role.FUNCTIONS_READ_ONLY))
    without_points = Api(api.store, api.engine, api.token, RateLimit(points=0))
    async with served(api.application) as address, served(without_points.application) as busy:
        done = await trio.run_process(
            [shutil.which("node") or "node", str(SDK / "operations.js"), address, api.token, reader, busy],
            env=os.environ | {"NODE_PATH": str(modules / "node_modules"), "NODE_NO_WARNINGS": "1"},
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


async def test_all_operations_and_errors(steps: Any) -> None:
    made = steps["createFunction"]["function"]
    assert made["id"] == f"sfnc_{made['catalogId']}"
    (listed,) = steps["listFunctions"]["functions"]
    assert listed["id"] == made["id"]
    assert steps["listFunctions"]["pagination"]["current"] == "MA=="
    assert steps["getFunction"]["function"] == made
    assert steps["updateFunction"]["function"]["code"] == '// two\n"\u2028é😀"'
    assert steps["createFunctionDeployment"] == {"functionDeployment": {"status": "SUCCESS"}}
    two, one = steps["listFunctionVersions"]["versions"]
    assert (two["isDeployed"], one["isDeployed"]) == (True, False)
    assert steps["getFunctionVersion"]["version"] == one
    assert steps["restoreFunctionVersion"]["version"]["code"] == one["code"] == made["code"]
    assert steps["getFunctionAsAlpha"]["function"]["isLatestVersion"] is False

    instance = steps["createInsertFunctionInstance"]["insertFunctionInstance"]
    assert (instance["settings"], instance["encryptedSettings"]) == ({}, {"apiKey": "••••••••••"})
    assert steps["listInsertFunctionInstances"]["instances"] == [instance]
    assert steps["getInsertFunctionInstance"]["insertFunctionInstance"] == instance
    changed = steps["updateInsertFunctionInstance"]["insertFunctionInstance"]
    assert changed == instance | {"enabled": False, "updatedAt": changed["updatedAt"]}
    for deleted in ("deleteInsertFunctionInstance", "deleteFunction"):
        assert steps[deleted] == {"status": "SUCCESS"}

    assert steps["getWorkspace"]["workspace"]["name"] == "Acme"
    assert steps["createSource"]["source"]["metadata"]["id"] == made["catalogId"]
    assert [each["id"] for each in steps["listConnected"]["destinations"]] == [
        steps["createDestination"]["destination"]["id"]
    ]
    assert steps["getSourceMetadata"]["sourceMetadata"]["id"] == made["catalogId"]
    assert steps["echo"]["message"] == "hi"

    assert {name: steps[name]["type"] for name in steps if name[:1].isdigit()} == {
        "400": "bad-request",
        "401": "unauthorized",
        "403": "forbidden",
        "404": "not-found",
        "406": "not-acceptable",
        "409": "conflict",
        "413": "payload-too-large",
        "429": "RequestError",
        "422": "input-validation",
        "422 of a query": "input-validation",
        "500": "internal",
    }
    assert steps["429"]["data"]["remainingPoints"] == 0
    assert steps["422"]["field"] == "displayName"
    assert steps["422 of a query"]["field"] == "pagination.count"

"""What ``isthmus serve --data`` keeps of what it did: a log of deliveries, an archive of events, and usage."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import httpx
import pytest
from tests.ingress.processes import serving

from isthmus.__main__ import main
from isthmus.archive import ArchiveReader
from isthmus.deliveries import DeliveryReader

from .conftest import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]


def test_deliveries_events_and_usage_of_a_store_are_kept(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = workspace.directory
    with serving(
        tmp_path, "--log-sample", "1", "--log-age", "2d", "--archive-bytes", "64M", data=data
    ) as served:
        with httpx.Client(base_url=served.url, auth=(workspace.key, "")) as http:
            for name in ("Good", "Bad"):
                event = {"userId": "u", "event": name, "messageId": name}
                assert http.post("/v1/track", json=event).status_code == 200
        served.until(lambda: len(list(DeliveryReader(data / "deliveries").attempts())) == 2)
        served.process.send_signal(signal.SIGTERM)
        assert served.ended() == 0
    assert main(["deliveries", "list", str(data / "deliveries"), "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(each["queue"], each["id"], each["became"]) for each in listed} == {
        (f"destination:{workspace.destination}", f"{workspace.source}:Good", "delivered"),
        (f"destination:{workspace.destination}", f"{workspace.source}:Bad", "dead"),
    }
    archived = list(ArchiveReader(data / "archive").events())
    assert {json.loads(bytes(each.event))["messageId"] for each in archived} == {"Good", "Bad"}
    assert main(["usage", "--data", str(data), "--json"]) == 0
    used = json.loads(capsys.readouterr().out)
    assert (used["calls"], used["events"]) == (2, 2)
    assert [(each["id"], each["calls"], each["failed"]) for each in used["functions"]] == [
        (workspace.function, 2, 1)
    ]
    assert used["execution"] > 0
    for kept in ("deliveries", "archive"):
        assert (data / kept).stat().st_mode & 0o777 == 0o700


def test_nothing_is_kept_where_nothing_is_wanted(workspace: Workspace, tmp_path: Path) -> None:
    with serving(tmp_path, "--journals", "none", data=workspace.data) as served:
        served.process.send_signal(signal.SIGTERM)
        assert served.ended() == 0
    assert not {"deliveries", "archive"} & {each.name for each in workspace.directory.iterdir()}


def test_a_pipelines_records_are_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipeline.toml").write_text('[[source]]\nid = "web"\n')
    arguments = ["serve", str(tmp_path / "pipeline.toml"), "--queue", f"sqlite:{tmp_path}/q.db"]
    assert main([*arguments, "--journals", "none"]) != 0
    assert "[log] and [archive]" in capfd.readouterr().err

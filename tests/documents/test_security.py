"""engine/SECURITY.md: each claim has its test, and each test that it names is there."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from tests.documents.documents import links_of, names_of_tests, text_of

from isthmus.archive import open_archive
from isthmus.deliveries import open_delivery_log
from isthmus.outcomes import Status
from isthmus.pipelines import Attempted
from isthmus.rules import Delivered
from isthmus_server.firsttoken import TOKEN_FILE, provide_first_token
from isthmus_server.store import open_store

DOCUMENT = "engine/SECURITY.md"


def test_every_test_it_names_is_there() -> None:
    named = [link for link in links_of(DOCUMENT) if link.text.startswith("test_")]
    assert len(named) > 100
    assert [link for link in named if link.text not in names_of_tests(link.path)] == []


def test_no_claim_is_without_a_test() -> None:
    rows: dict[str, list[str]] = {}
    heading = ""
    for line in text_of(DOCUMENT).splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        elif line.startswith("|") and not line.startswith(("| claim |", "| way in |", "|---")):
            rows.setdefault(heading, []).append(line)
    claims = [
        row
        for heading, lines in rows.items()
        for row in lines
        if heading
        in {
            "What a function must not reach",
            "What one call must not see of another",
            "What a call may take",
            "Where requests go",
            "Secrets",
            "What comes in",
        }
    ]
    assert len(claims) > 50
    assert [claim for claim in claims if not re.search(r"\[test_\w+\]\(", claim)] == []


# ---- claims that no other folder holds


ATTEMPT = Attempted(
    queue="destination:crm",
    delivery="web:m1",
    attempt=1,
    status=Status.DELIVERED,
    problem=None,
    decision=Delivered(),
    at=1e9,
    age=1.0,
    took=0.5,
)


def modes_below(directory: Path) -> dict[str, int]:
    return {
        path.relative_to(directory).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in directory.rglob("*")
    }


async def test_log_and_archive_are_their_owners_alone(tmp_path: Path) -> None:
    async with (
        open_delivery_log(tmp_path / "log", sample=1) as log,
        open_archive(tmp_path / "archive") as archive,
    ):
        log(ATTEMPT)
        await archive.keep("web", [b'{"type": "track"}']).wait()
    modes = modes_below(tmp_path)
    assert modes.pop("log") == modes.pop("archive") == 0o700
    assert len(modes) >= 2
    assert set(modes.values()) == {0o600}


async def test_a_store_and_its_token_are_their_owners_alone(tmp_path: Path) -> None:
    async with open_store(tmp_path / "data") as store:
        assert await provide_first_token(store, tmp_path / "data", {}) == tmp_path / "data" / TOKEN_FILE
        modes = modes_below(tmp_path / "data")
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert {TOKEN_FILE, "store.db", "store.keys"} <= set(modes)
    assert set(modes.values()) == {0o600}

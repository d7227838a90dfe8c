"""What may be opened, by whom, and what is said where it may not."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import isthmus
from isthmus.queues import Entry

from .conftest import Opener

HOLDER = """
import sys, trio
from isthmus_sqlite import open_sqlite_queue
async def main():
    async with open_sqlite_queue(sys.argv[1]):
        print("open", flush=True)
        await trio.sleep_forever()
trio.run(main)
"""


async def fails(url: str) -> str:
    with pytest.raises(isthmus.IsthmusError) as caught:
        async with isthmus.open_queue(url):
            pass
    return str(caught.value)


async def test_it_is_found_by_its_scheme_and_relative_to_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with isthmus.open_queue("sqlite:a%20b/q.db") as queue:
        assert await queue.names() == []
    assert (tmp_path / "a b" / "q.db").is_file()


async def test_files_and_directories_are_their_owners_alone(open_queue: Opener, tmp_path: Path) -> None:
    async with open_queue() as queue:
        await queue.declare("q")
        files = list((tmp_path / "queue").iterdir())
        assert {file.name for file in files} == {"q.db", "q.db-wal", "q.db-lock", "q.db-socket"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "queue").stat().st_mode) == 0o700
        assert {finding.level for finding in await queue.findings()} <= {"fine", "warning"}
    assert not (tmp_path / "queue" / "q.db-wal").exists()


async def test_a_file_others_can_read_is_a_finding(open_queue: Opener, tmp_path: Path) -> None:
    async with open_queue() as queue:
        (tmp_path / "queue" / "q.db").chmod(0o644)
        warnings = [each for each in await queue.findings() if each.level == "warning"]
    assert any("others than its owner" in each.what and "chmod 600" in each.remedy for each in warnings)


async def test_another_process_is_named_and_a_dead_one_is_no_hindrance(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/q.db"
    holder = subprocess.Popen(  # noqa: ASYNC220 -- of a test that does nothing beside it
        [sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"open\n"
        assert f"is open in the process {holder.pid};" in await fails(url)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    async with isthmus.open_queue(url) as queue:
        assert await queue.names() == []


async def test_this_process_opens_a_file_once(open_queue: Opener) -> None:
    async with open_queue():
        with pytest.raises(isthmus.QueueError, match=rf"open in this process already \({os.getpid()}\)"):
            async with open_queue():
                pass
    async with open_queue():
        pass


@pytest.mark.parametrize("place", [0, 4096 * 60, -2000])
async def test_a_damaged_file_is_refused_with_what_to_do_and_left_as_it_is(
    tmp_path: Path, place: int
) -> None:
    url, path = f"sqlite:{tmp_path}/q.db", tmp_path / "q.db"
    async with isthmus.open_queue(url) as queue:
        await queue.declare("q")
        await queue.publish([Entry(queue="q", message_id=str(each), body=bytes(900)) for each in range(500)])
    data = bytearray(path.read_bytes())
    data[place : place + 2000 if place >= 0 else None] = b"\xa5" * (2000 if place >= 0 else 0)
    path.write_bytes(data)
    said = await fails(url)
    assert "is damaged" in said
    assert ".recover" in said
    assert path.read_bytes() == data


async def test_other_files_are_not_touched(tmp_path: Path) -> None:
    theirs = sqlite3.connect(tmp_path / "theirs.db")
    theirs.execute("CREATE TABLE t(x)")
    theirs.commit()
    theirs.close()
    assert "is the database of another program" in await fails(f"sqlite:{tmp_path}/theirs.db")
    (tmp_path / "text").write_text("not a database, but a text that is long enough to be one" * 100)
    assert "file is not a database" in await fails(f"sqlite:{tmp_path}/text")
    assert "can't be made" in await fails(f"sqlite:{tmp_path}/text/q.db")


async def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/q.db"
    async with isthmus.open_queue(url):
        pass
    newer = sqlite3.connect(tmp_path / "q.db")
    newer.execute("PRAGMA user_version = 9")
    newer.close()
    assert "written by a newer version" in await fails(url)


async def test_a_file_whose_making_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    half = sqlite3.connect(tmp_path / "q.db")
    half.execute("PRAGMA journal_mode = WAL")
    half.close()
    async with isthmus.open_queue(f"sqlite:{tmp_path}/q.db") as queue:
        await queue.declare("q")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:", "is named sqlite:PATH, not 'sqlite:'"),
        ("sqlite://host/q.db", "is named sqlite:PATH"),
        ("sqlite:q.db?sink=full", "unknown field `sink`"),
        ("sqlite:q.db?sync=off", "sync"),
        ("sqlite:q.db?max_bytes=-1", "not below 0"),
        ("sqlite:q.db?max_bytes=much", "max_bytes"),
        ("sqlite:q.db?sync=normal", "with unsafe=1 it is taken"),
    ],
)
async def test_options_that_are_none_are_said(
    url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in await fails(url)
    assert not os.listdir(tmp_path)


async def test_what_is_not_safe_is_a_finding(open_queue: Opener) -> None:
    async with open_queue(sync="normal", unsafe="1", check="none") as queue:
        levels = {finding.what: finding.level for finding in await queue.findings()}
    assert [level for what, level in levels.items() if "synchronous=NORMAL" in what] == ["unsafe"]
    assert [level for what, level in levels.items() if "without looking for damage" in what] == ["warning"]


async def test_a_closed_queue_says_so(open_queue: Opener) -> None:
    async with open_queue() as queue:
        await queue.declare("q")
    with pytest.raises(isthmus.QueueError, match="has been closed"):
        await queue.claim("q", 1)

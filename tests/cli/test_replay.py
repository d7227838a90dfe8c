"""``isthmus replay``, and ``--record`` of ``invoke`` and ``run``."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from isthmus import Function, Kind, open_engine
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.tapes import Recording, Tape, decode, read_head
from isthmus.testing import Handler, MockFetcher, ScriptedRuntime, Throw, World

from .conftest import Isthmus, track

SECRET = "sk-live-55aa66bb77cc"


async def on_track(event: dict[str, Any], settings: dict[str, Any], world: World) -> str:
    """Asks for the user, and throws at those with an even number."""
    key = settings.get("apiKey", "none")
    asked = FetchRequest(
        url=f"https://api.example/{event['userId']}", method="POST", headers=(("x-key", key),), body=b"{}"
    )
    answer = await world.host.fetch(asked)
    await world.host.sleep(0)
    world.host.log("log", f"status {answer.status} with {key}")
    if event["userId"] in {"u2", "u4"}:
        raise Throw("RetryError", "even")
    return answer.body.decode()


async def mended(event: dict[str, Any], settings: dict[str, Any], world: World) -> str:
    """Sends another body, and throws at nobody."""
    asked = FetchRequest(url=f"https://api.example/{event['userId']}", method="POST", body=b'{"a":1}')
    return (await world.host.fetch(asked)).body.decode()


def service(asked: FetchRequest) -> FetchResponse:
    return FetchResponse(status=200, reason="OK", body=b"hello \x1b[31m" + asked.url[-2:].encode())


def refuse(asked: FetchRequest) -> FetchResponse:
    raise AssertionError(f"{asked} went out")


SCRIPTS: Mapping[str, Mapping[str, Handler]] = {
    "broken": {"onTrack": on_track},
    "mended": {"onTrack": mended},
}


@pytest.fixture
def plugins(tmp_path: Path) -> list[object]:
    (tmp_path / "f.scripted").write_text("broken")
    (tmp_path / "fixed.scripted").write_text("mended")
    (tmp_path / "function.toml").write_text(
        'code = "f.scripted"\nkind = "destination"\n[[settings]]\nname = "apiKey"\nsensitive = true\n'
    )
    (tmp_path / "e").write_bytes(b"\n".join(track(number) for number in range(1, 5)))
    return [ScriptedRuntime(scripts=SCRIPTS), MockFetcher(service)]


@pytest.fixture
def replaying() -> list[object]:
    return [ScriptedRuntime(scripts=SCRIPTS), MockFetcher(refuse)]


def tapes_in(path: Path) -> list[Path]:
    return sorted(path.glob("*.tape"))


@pytest.fixture
def failed(isthmus: Isthmus, plugins: list[object], tmp_path: Path) -> str:
    """The tape of one failed call."""
    ran = isthmus(
        "invoke", "f.scripted", "--event", track(2).decode(), "--set", f"apiKey={SECRET}", "--record", "tapes",
        plugins=plugins,
    )  # fmt: skip
    assert ran.status == 1
    [tape] = tapes_in(tmp_path / "tapes")
    assert f"tapes/{tape.name}" in ran.out
    return str(tape)


def test_a_run_keeps_the_tapes_of_what_failed(
    isthmus: Isthmus, plugins: list[object], replaying: list[object], tmp_path: Path
) -> None:
    ran = isthmus("run", "f.scripted", "e", "--record", "tapes", "--record-failures", plugins=plugins)
    assert [line["status"] for line in ran.lines] == ["delivered", "retry", "delivered", "retry"]
    tapes = tapes_in(tmp_path / "tapes")
    assert sorted(line["tape"] for line in ran.lines if "tape" in line) == [
        f"tapes/{tape.name}" for tape in tapes
    ]
    assert [decode(tape.read_bytes()).head.status for tape in tapes] == ["retry", "retry"]
    for tape in tapes:
        assert isthmus("replay", str(tape), plugins=replaying).status == 0


def test_all_calls_are_kept_where_that_is_asked_for(
    isthmus: Isthmus, plugins: list[object], tmp_path: Path
) -> None:
    isthmus("run", "f.scripted", "e", "--record", "tapes", "--quiet", plugins=plugins)
    assert len(tapes_in(tmp_path / "tapes")) == 4


def test_a_pipeline_keeps_the_tapes_of_its_failed_deliveries(
    isthmus: Isthmus, plugins: list[object], replaying: list[object], tmp_path: Path
) -> None:
    (tmp_path / "pipeline.toml").write_text(
        '[[source]]\nid = "web"\n[[destination]]\nname = "api"\nfunction = "f.scripted"\n'
    )
    command = ("work", "pipeline.toml", "--queue", "sqlite:q.db", "--send", "e", "--until-idle", "--quiet")
    isthmus(*command, "--record", "tapes", "--record-failures", plugins=plugins)
    tapes = tapes_in(tmp_path / "tapes")
    assert [decode(tape.read_bytes()).head.status for tape in tapes] == ["retry", "retry"]
    assert all(isthmus("replay", str(tape), plugins=replaying).status == 0 for tape in tapes)


def test_a_replay_says_that_all_is_as_on_the_tape(
    isthmus: Isthmus, failed: str, replaying: list[object]
) -> None:
    ran = isthmus("replay", failed, plugins=replaying)
    assert ran.status == 0
    assert "replayed: all as on the tape" in ran.out
    assert "RetryError: even" in ran.out
    assert "placeholders stand for the values of apiKey" in ran.out


def test_the_steps_of_a_call_are_its_effects_in_order(
    isthmus: Isthmus, failed: str, replaying: list[object]
) -> None:
    ran = isthmus("replay", failed, "--step", "-v", plugins=replaying)
    steps = [line.split("✓")[1].strip() for line in ran.out.splitlines() if " ✓ " in line]
    assert [" ".join(step.split()[:4]) for step in steps] == [
        "#1 POST https://api.example/u2 2",
        "#1 ← 200 OK",
        "#2 wait 0.000 ms",
        "#2 ← done",
    ]
    assert "x-key: " in ran.out
    assert "\x1b" not in ran.out, "what a service answered acts on nobody's terminal"
    assert SECRET not in ran.out


def test_a_fix_is_tried_against_the_tape(isthmus: Isthmus, failed: str, replaying: list[object]) -> None:
    ran = isthmus("replay", failed, "--with", "fixed.scripted", plugins=replaying)
    assert ran.status == 0, "it succeeds now"
    assert "first divergence, at effect 1" in ran.out
    assert "    - {}" in ran.out
    assert '    + {"a":1}' in ran.out
    assert "another status" in ran.out
    assert "the code is another" in ran.out
    assert isthmus("replay", failed, "--with", "f.scripted", plugins=replaying).status == 1


def test_a_replay_as_json(isthmus: Isthmus, failed: str, replaying: list[object]) -> None:
    same = json.loads(isthmus("replay", failed, "--json", plugins=replaying).out)
    assert same["identical"] is True
    assert [effect["effect"]["type"] for effect in same["effects"]] == [
        "fetch",
        "answered",
        "sleep",
        "answered",
    ]
    other = json.loads(isthmus("replay", failed, "--with", "fixed.scripted", "--json", plugins=replaying).out)
    assert other["identical"] is False
    assert other["divergence"]["at"] == 0
    assert {difference["part"] for difference in other["differences"]} >= {"status", "problem", "value"}
    assert other["outcome"]["status"] == "delivered"


def test_a_sealed_tape_opens_with_its_key(
    isthmus: Isthmus, plugins: list[object], replaying: list[object], tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(base64.b64encode(bytes(32)).decode() + "\n")
    (tmp_path / "other").write_text("11" * 32)
    isthmus(
        "invoke", "f.scripted", "--event", track(1).decode(), "--set", f"apiKey={SECRET}", "--record", "tapes",
        "--tape-key", "key", plugins=plugins,
    )  # fmt: skip
    [tape] = tapes_in(tmp_path / "tapes")
    data = tape.read_bytes()
    assert read_head(data).secrets == "sealed"
    assert SECRET.encode() not in data
    ran = isthmus("replay", str(tape), "--tape-key", "key", plugins=replaying)
    assert (ran.status, "all as on the tape" in ran.out) == (0, True)
    assert SECRET not in ran.out
    for options, said in (
        ((), "no key"),
        (("--tape-key", "other"), "another key"),
        (("--tape-key", "e"), "32 bytes"),
    ):
        ran = isthmus("replay", str(tape), *options, plugins=replaying)
        assert ran.status == 2
        assert said in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", "missing.tape"), "cannot be read"),
        (("replay", "e"), "no tape"),
        (("run", "f.scripted", "e", "--record-failures"), "need --record DIR"),
        (("invoke", "f.scripted", "--event", "{}", "--tape-key", "key"), "need --record DIR"),
        (("invoke", "f.scripted", "--event", "{}", "--record", "t", "--tape-key", "none"), "cannot be read"),
        (("invoke", "f.scripted", "--event", "{}", "--record", "e/f"), "cannot be made"),
    ],
)
def test_a_wrong_call_is_said_in_a_sentence(
    arguments: tuple[str, ...], said: str, isthmus: Isthmus, plugins: list[object]
) -> None:
    ran = isthmus(*arguments, plugins=plugins)
    assert ran.status == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_truncated_tape_is_shown_and_not_replayed(
    isthmus: Isthmus, plugins: list[object], replaying: list[object], tmp_path: Path
) -> None:
    async def record() -> bytes:
        kept: list[bytes] = []

        def keep(_tape: Tape, data: bytes) -> str:
            kept.append(data)
            return ""

        recording = Recording(keep=keep, max_bytes=100)
        async with open_engine(plugins=plugins, load_entry_points=False, record=recording) as engine:
            subject = Function(name="f", kind=Kind.DESTINATION, language="scripted", code="broken")
            await engine.invoke(await engine.load(subject), track(1))
        return kept[0]

    (tmp_path / "cut.tape").write_bytes(trio.run(record))
    ran = isthmus("replay", "cut.tape", "--step", plugins=replaying)
    assert ran.status == 2
    assert "POST https://api.example/u1" in ran.out
    assert "outgrew its tape" in ran.err

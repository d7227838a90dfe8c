"""A ``pipeline.toml`` loaded by a program of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

import isthmus
from isthmus.errors import EngineError, LoadError
from isthmus.pipelinefiles import Entrance, LoadedPipeline, load_pipeline, open_journals
from isthmus.pipelines import Rate
from isthmus.testing import ScriptedRuntime

SECRET = "s3cr3t-of-the-test"
PIPELINE = """
[[source]]
id = "web"
inserts = ["mask"]
http = {write_keys = ["plain", {file = "key"}], rate = 5}

[[source]]
id = "hook"
function = "hook"
http = {secrets = [{file = "key"}], sender_retries = true}

[[destination]]
name = "crm"
function = "crm"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for name, kind in (("mask", "source_insert"), ("hook", "source"), ("crm", "destination")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "function.scripted").write_text(name)
        (tmp_path / name / "function.toml").write_text(f'code = "function.scripted"\nkind = "{kind}"')
    (tmp_path / "key").write_text(f"{SECRET}\n")
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    return tmp_path / "pipeline.toml"


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def _loaded(path: Path, broken: bool = False) -> LoadedPipeline:
    """What is loaded; in the end no instance is left in the engine."""
    scripts = {
        "mask": {"onTrack": lambda event, settings, world: event},
        "hook": {"onRequest": lambda request, settings, world: None},
        "crm": LoadError("it is broken") if broken else {"onTrack": lambda event, settings, world: None},
    }
    async with isthmus.open_engine(
        plugins=[ScriptedRuntime(scripts=scripts)],
        load_entry_points=False,
    ) as engine:
        try:
            loaded = await load_pipeline(engine, path)
            assert "3 instances" in repr(engine)
            await loaded.aclose()
        finally:
            assert "0 instances" in repr(engine)
    return loaded


async def test_it_gives_what_a_pipeline_is_opened_with_and_how_its_sources_are_reached(path: Path) -> None:
    loaded = await _loaded(path)
    assert [source.id for source in loaded.sources] == ["web", "hook"]
    assert [destination.name for destination in loaded.destinations] == ["crm"]
    assert loaded.entrances == (
        Entrance(source="web", write_keys=("plain", SECRET), rate=Rate(per_second=5)),
        Entrance(source="hook", secrets=(SECRET,), sender_retries=True),
    )
    assert SECRET not in repr(loaded.entrances)


async def test_what_was_loaded_before_something_failed_is_given_back(path: Path) -> None:
    with pytest.raises(LoadError, match="it is broken"):
        await _loaded(path, broken=True)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            '{file = "key"}], rate',
            "{file = 'none'}], rate",
            "http: write_keys takes the file none, which cannot",
        ),
        ("rate = 5", "rate = 0", "http: rate"),
        ("sender_retries = true", "run_later = true, custom_response = true", "run_later answers before"),
        ("sender_retries", "retries", "unknown field `retries`"),
        ('id = "hook"\nfunction = "hook"', 'id = "hook"', "the source has no function for them"),
        ('function = "crm"', 'function = "none"', "destination 'crm': "),
    ],
)
async def test_what_is_wrong_is_said_by_where_it_stands(
    path: Path, before: str, after: str, said: str
) -> None:
    assert before in PIPELINE
    write(path, PIPELINE.replace(before, after))
    with pytest.raises(EngineError) as raised:
        await _loaded(path)
    assert said in str(raised.value)
    assert SECRET not in str(raised.value)


async def test_the_journals_that_it_names_are_opened(path: Path) -> None:
    async with open_journals(path) as journals:
        assert (journals.log, journals.archive) == (None, None)
    write(path, PIPELINE + '\n[log]\npath = "log"\n[archive]\npath = "events"\n')
    async with open_journals(path) as journals:
        assert journals.log is not None
        assert journals.archive is not None
    write(path, PIPELINE + '\n[log]\npath = "log"\nmax_age = "soon"\n')
    with pytest.raises(EngineError, match=r"\[log\]"):
        async with open_journals(path):
            pass

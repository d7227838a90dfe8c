"""What documents show is run: each block here, or by the test that is named for it; each command is one there is."""

from __future__ import annotations

import argparse
import importlib
import io
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Final

import pytest
from tests.documents.documents import DOCUMENTS, ROOT, Block, blocks_of, text_of

import isthmus
from isthmus._cli.added import AddedCommands
from isthmus._cli.commands import COMMANDS, main
from isthmus._cli.pipelinefile import read_pipeline
from isthmus.pipelinefiles import load_pipeline

ELSEWHERE: Final = {
    ("README.md", "sh", "pip install . &&"): "tests/test_readme.py",
    ("README.md", "sh", "isthmus run my-orders"): "tests/test_readme.py",
    ("README.md", "sh", "isthmus backfill"): "tests/test_readme.py",
    ("README.md", "python", ""): "tests/test_readme.py",
    ("engine/README.md", "python", "import isthmus\nimport msgspec"): "tests/embedding/test_examples.py",
    ("engine/README.md", "python", "from isthmus.testing"): "tests/testing/test_pytest_plugin.py",
    ("engine/README.md", "json", ""): "tests/testing/test_pytest_plugin.py",
    ("plugins/OPERATIONS.md", "", ""): "tests/documents/test_operations.py",
    ("runtimes/README.md", "toml", ""): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "lua", ""): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "python", "@hookimpl"): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "python", "language ="): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "python", "    async def run"): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "python", "    def _go_on"): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "python", '    "retry"'): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "python", "@pytest"): "tests/plugins/test_lua.py",
    ("runtimes/README.md", "sh", "componentize-py"): "tests/wasm/test_component_python.py",
}
"""By document, language and beginning ("" for any): the test that runs it, which reads the document or does the same."""

GIVEN: Final = """
    import isthmus
    from isthmus import Kind, Limits, Function
    from isthmus.pipelines import Destination, Rate, Source
    from isthmus.queues import Entry
    from isthmus.sinks import FileSink

    def function(kind, code):
        return Function(name="f", kind=kind, language="javascript", code=code)

    INSERT = function(Kind.INSERT, "function onTrack(event) { return event }")
    SOURCE_INSERT = function(Kind.SOURCE_INSERT, "function onTrack(event) { return event }")
    CRM = function(Kind.DESTINATION, "function onTrack(event) { return event.n }")
    events = [{"type": "track", "event": "Seen", "userId": "u", "n": n} for n in (1, 2)]
"""
"""What the examples that are no whole programs take as there."""

WITHIN: Final = {
    ("engine/README.md", "async with (\n    isthmus.open_engine()"): """
        # Its functions are of an engine: one is opened round it, and its own calls are given that one.
        async with isthmus.open_engine() as outer:
            mask, enrich, crm = [await outer.load(each) for each in (SOURCE_INSERT, INSERT, CRM)]
            real, isthmus.open_engine = isthmus.open_engine, lambda: same(outer)
            {block}
                await pipeline.drain()
            print(len(open("events.ndjson").readlines()))
    """,
    ("engine/README.md", "from isthmus.tapes import"): """
        tape_bytes = b""
        def kept(directory):
            global tape_bytes
            return directory
        import os, pathlib
        from isthmus.tapes import Recording, decode, directory
        instance_of = lambda engine, code: engine.load(function(Kind.DESTINATION, code))
        async with isthmus.open_engine(record=Recording(keep=directory("tapes"), failures_only=True)) as first:
            failing = await instance_of(first, "function onTrack() { throw new RetryError('later') }")
            tape_bytes = pathlib.Path((await first.invoke(failing, events[0])).tape).read_bytes()
        other_function = CRM
        real = isthmus.open_engine
        async with real(record=Recording(keep=directory("tapes"), failures_only=True)) as outer:
            instance, event = await instance_of(outer, "function onTrack() { throw new RetryError('later') }"), events[0]
            isthmus.open_engine = lambda **options: same(outer)
            {block}
            print(bool(outcome.tape), replayed.identical, mended.identical)
    """,
    ("plugins/README.md", 'async with isthmus.open_queue("sqlite:'): """
        {block}
            print(len(await queue.claim("warehouse", 10)))
    """,
}
"""Examples that are part of a program, by their document and beginning: the rest of it."""

SAYS: Final = {
    ("engine/README.md", "async with (\n    isthmus.open_engine()"): "2\n",
    ("engine/README.md", "from isthmus.tapes import"): "True True False\n",
    ("plugins/README.md", 'async with isthmus.open_queue("sqlite:'): "1\n",
}

SAME: Final = """
    from contextlib import asynccontextmanager
    @asynccontextmanager
    async def same(engine):
        yield engine
"""

PLUGINS: Final = {
    "import argparse": (
        "isthmus_commands",
        "from argparse import Namespace\nprint(isthmus_commands()[0].execute(Namespace(whom='you')))",
        "hello you\n0\n",
    ),
    "from isthmus import hookimpl\nfrom isthmus.serverroutes": (
        "isthmus_server_routes",
        """
import trio
async def main():
    async def accept(source, events):
        print(source, events[0]["event"])
    async def receive():
        return {"type": "http.request", "body": b"Seen"}
    async def send(message):
        print(message.get("status", message.get("body")))
    import isthmus
    from isthmus.serverroutes import ServiceView
    async with isthmus.open_engine() as engine:
        (route,) = isthmus_server_routes()
        await route.make(ServiceView(engine=engine, accept=accept))({}, receive, send)
trio.run(main)
""",
        "web Seen\n202\nb'kept'\n",
    ),
}
"""Plugins that are shown, by their beginning: their hook, what is done with it, and what that says."""

LANGUAGES: Final = {"python", "sh", "toml", "json", "lua", "yaml", "ini", "dockerfile"}
ALL: Final = [block for document in DOCUMENTS for block in blocks_of(document)]


def ids(block: Block) -> str:
    return f"{block.document}-{ALL.index(block)}-{block.language}"


def elsewhere(block: Block) -> str:
    """The test that runs a block, "" where it is one of this file."""
    for (document, language, beginning), test in ELSEWHERE.items():
        if (
            block.document == document
            and language in {"", block.language}
            and block.code.startswith(beginning)
        ):
            return test
    return ""


def run(code: str, directory: Path) -> str:
    (directory / "example.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", [each for each in ALL if each.language], ids=ids)
def test_a_block_is_run_here_or_by_the_test_that_is_named(block: Block) -> None:
    assert block.language in LANGUAGES
    if test := elsewhere(block):
        assert (ROOT / test).is_file()
        return
    here = {
        "python": any(
            (block.document == document and block.code.startswith(beginning))
            for document, beginning in [*WITHIN, *(("plugins/README.md", each) for each in PLUGINS), *WHOLE]
        )
        or block.code.startswith("# /// script"),
        "toml": True,
        "yaml": True,
        "sh": block.code.startswith("pip install -e"),  # what CI does first
    }
    assert here.get(block.language, False), f"{block.document}, line {block.line}: nothing runs it"


def test_what_is_said_to_be_run_elsewhere_is_there_to_be_run() -> None:
    unused = [
        key
        for key in ELSEWHERE
        if not any(
            key[0] == each.document and key[1] in {"", each.language} and each.code.startswith(key[2])
            for each in ALL
        )
    ]
    assert unused == []


@pytest.mark.parametrize(("document", "beginning"), WITHIN, ids=lambda text: text.split("\n")[0][:24])
def test_a_part_of_a_program_works_within_one(document: str, beginning: str, tmp_path: Path) -> None:
    (block,) = (each for each in blocks_of(document) if each.code.startswith(beginning))
    around = textwrap.dedent(WITHIN[document, beginning])
    indent = re.search(r"^( *)\{block\}", around, re.MULTILINE)
    assert indent is not None
    body = around.replace(f"{indent[1]}{{block}}", textwrap.indent(block.code.rstrip(), indent[1]))
    program = (
        textwrap.dedent(GIVEN)
        + textwrap.dedent(SAME)
        + "\nasync def main():\n"
        + textwrap.indent(body.replace("global tape_bytes", "nonlocal tape_bytes"), "    ")
        + "\nimport trio\ntrio.run(main)\n"
    )
    assert run(program, tmp_path) == SAYS[document, beginning]


@pytest.mark.parametrize("beginning", PLUGINS, ids=lambda text: text.split("\n")[-1])
def test_a_plugin_that_is_shown_is_one(beginning: str, tmp_path: Path) -> None:
    (block,) = (each for each in blocks_of("plugins/README.md") if each.code.startswith(beginning))
    hook, use, said = PLUGINS[beginning]
    assert f"def {hook}(" in block.code
    assert run(f"{block.code}\n{use}", tmp_path) == said


WHOLE: Final = (("plugins/README.md", "import hypercorn"),)
"""Programs that run until they are ended."""


@pytest.mark.slow
@pytest.mark.parametrize(("document", "beginning"), WHOLE, ids=lambda text: text.split("\n")[0][:24])
def test_a_service_that_is_shown_serves(document: str, beginning: str, tmp_path: Path) -> None:
    (block,) = (each for each in blocks_of(document) if each.code.startswith(beginning))
    (tmp_path / "example.py").write_text(block.code.replace("127.0.0.1:8080", "127.0.0.1:0"))
    with subprocess.Popen(
        [sys.executable, "-u", "example.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert len(process.stdout.readline()) > 20  # the token
            assert b"Running on http://127.0.0.1:" in process.stderr.readline()
        finally:
            process.kill()


LEAST: Final = '[[source]]\nid = "web"\n[[destination]]\nname = "d"\nfile = "d.ndjson"'
"""What a pipeline.toml cannot be without, before a part of one."""


@pytest.mark.parametrize(
    "block",
    [each for each in ALL if each.language == "toml" and ("[[source]]" in each.code or "[log]" in each.code)],
    ids=ids,
)
def test_a_pipeline_file_that_is_shown_is_one(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.toml"
    path.write_text(block.code if "[[source]]" in block.code else f"{LEAST}\n{block.code}")
    read = read_pipeline(path)
    assert read.source
    assert read.destination


@pytest.mark.parametrize("block", [each for each in ALL if each.language == "yaml"], ids=ids)
def test_a_workflow_that_is_shown_calls_commands_that_there_are(block: Block) -> None:
    calls = re.findall(r"(?:run:|do|;) *isthmus (.*?)(?:;| >>|$)", block.code, re.MULTILINE)
    assert {call.split()[0] for call in calls} == {"check", "plan", "apply"}
    for call in calls:
        name, *arguments = shlex.split(call)
        parser_of(name).parse_args(arguments)


async def test_the_service_of_the_first_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (("destination", "my-orders", "--template", "orders"), ("source", "my-source")):
        assert main(["new", *arguments]) == 0
    (block,) = (each for each in blocks_of("README.md") if each.language == "toml")
    (tmp_path / "pipeline.toml").write_text(block.code)
    for name in re.findall(r'env = "(\w+)"', block.code):
        monkeypatch.setenv(name, name.lower())
    async with isthmus.open_engine() as engine:
        loaded = await load_pipeline(engine, tmp_path / "pipeline.toml")
    assert {each.id for each in loaded.sources} == {"web", "orders"}
    assert [each.name for each in loaded.destinations] == ["crm"]


# ---------------------------------------------------------------- commands


def commands() -> Iterator[tuple[str, str]]:
    """Every line that calls ``isthmus``, wherever it is shown, with its document."""
    for document in DOCUMENTS:
        text = text_of(document)
        for found in re.finditer(r"^(?:    )?(?:\d+ )?isthmus ([a-z][^\n]*)$", text, re.MULTILINE):
            yield document, re.split(r"   | {2,}#|\s#|&& | \|\| | \| |; ", found[1])[0].strip()


SHOWN: Final = sorted(set(commands()))


def parser_of(name: str) -> argparse.ArgumentParser:
    if name in COMMANDS:
        module = importlib.import_module(f"isthmus._cli.{name.replace('-', '_')}")
        parser: argparse.ArgumentParser = module.parser()
        return parser
    command = AddedCommands((), taken=COMMANDS).find(name)
    assert command is not None, f"there is no command {name!r}"
    return command.parser()


def test_commands_are_found() -> None:
    assert len(SHOWN) > 40
    assert {"run", "serve", "backfill", "test"} <= {line.split()[0] for _, line in SHOWN}


@pytest.mark.parametrize(("document", "line"), SHOWN, ids=str)
def test_a_command_that_is_shown_takes_what_it_is_given(document: str, line: str) -> None:
    name, *arguments = shlex.split(line.split(" > ")[0].split(" 2>")[0])
    if "--help" in arguments:
        return
    said = io.StringIO()
    with redirect_stderr(said), suppress(SystemExit):
        parser_of(name).parse_args(arguments)
    assert said.getvalue() == ""

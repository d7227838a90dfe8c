"""Large code is compiled apart from its image, and behaves as small code does."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.javascript import FakeHost, Scripts, call_of

from isthmus import LoadError
from isthmus.cachedir import cache_directory
from isthmus_quickjs._apart import APART, mentions
from isthmus_quickjs._guest import COPY_LIMIT

PADDING = "\n".join(f"function own{i}(a) {{ return [a, 'own{i}', {i}].join(); }}" for i in range(2000))
assert len(PADDING) > APART

SCRIPT = f"implicit = 1;\nasync function onTrack(event) {{\n  if (event.fail) throw new TypeError('no');\n  return [own7(implicit), typeof process, this === undefined];\n}}\n{PADDING}"
MODULE = f"import {{ createHash }} from 'crypto';\nexport async function onTrack(event) {{\n  if (event.fail) throw new TypeError('no');\n  return [own7(1), createHash('md5').update('').digest('hex').length];\n}}\n{PADDING}"


async def test_a_large_script_is_a_script(scripts: Scripts) -> None:
    script = await scripts(SCRIPT)
    assert await script.value() == ["1,own7,7", "undefined", False]
    assert script.program.handlers == {"onTrack"}


async def test_a_large_module_is_a_module(scripts: Scripts) -> None:
    assert await (await scripts(MODULE)).value() == ["1,own7,7", 32]


@pytest.mark.parametrize("code", [SCRIPT, MODULE], ids=["script", "module"])
async def test_stacks_have_their_places(scripts: Scripts, code: str) -> None:
    thrown = await (await scripts(code)).thrown(call_of({"fail": True}))
    assert thrown.stack.splitlines()[0].startswith("    at onTrack (tested.js:3:")


async def test_stacks_are_told_by_source_maps(scripts: Scripts) -> None:
    mapping = {
        "version": 3,
        "sources": ["own.ts"],
        "names": [],
        "mappings": ";;AAAA",
        "sourcesContent": ["throw 1"],
    }
    inline = base64.b64encode(json.dumps(mapping).encode()).decode()
    end = f"\n//# sourceMappingURL=data:application/json;base64,{inline}"
    thrown = await (await scripts(SCRIPT + end)).thrown(call_of({"fail": True}))
    assert "own.ts:1:1" in thrown.stack


async def test_its_image_is_restored_in_place(scripts: Scripts) -> None:
    large = f"{SCRIPT}\n{'/* and so on */' * 60_000}\n" + PADDING.replace("own", "other")
    assert len(large) > 1_000_000
    script = await scripts(large)
    assert script.image.end < COPY_LIMIT
    assert script.image.copied


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        (f"async function onTrack() {{}}\n{PADDING}\nlet = ;", 2002, "SyntaxError"),
        (f"{MODULE}\nimport 'left-pad';", 2006, "Cannot find module 'left-pad'"),
        (f"{MODULE}\nimport {{ nope }} from 'crypto';", 1, "nope"),
        (f"async function onTrack() {{}}\nnull.x;\n{PADDING}", 2, "TypeError"),
        (
            f"async function onTrack() {{}}\n{PADDING}\n}}]); globalThis.ran = 1; ([() => {{",
            2002,
            "SyntaxError",
        ),
    ],
)
async def test_what_does_not_load_says_where(scripts: Scripts, code: str, line: int, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        await scripts(code)
    assert message in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("tested.js", line)
    assert caught.value.excerpt


async def test_what_it_was_compiled_to_is_kept_and_made_again_where_it_is_damaged(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path))
    await scripts(SCRIPT)
    (kept,) = (cache_directory() / "functions").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:100])
    assert await (await scripts(SCRIPT)).value() == ["1,own7,7", "undefined", False]
    assert kept.read_bytes() == whole


async def test_what_the_code_names_is_there_as_it_is_for_small_code(scripts: Scripts) -> None:
    code = f"""
      async function onRequest(request) {{ return [request.headers.get('a'), request.url.searchParams.get('b'), _.last([1])]; }}
      async function onTrack() {{ return (await (await fetch('https://a.example/')).buffer()).toString('base64'); }}
      {PADDING}
    """
    assert await (await scripts(code)).value(host=FakeHost(body=b"a")) == "YQ=="


def test_mentions_stand_for_the_code() -> None:
    assert mentions("async function onTrack() { process.env; x.url }").split() == [
        "url",
        "onTrack",
        "process",
    ]
    assert mentions("processed").split() == []

"""Directories that are no workspaces: each thing that is wrong is said with its file and field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.workspace.directories import ENVIRON, SAMPLE, write

from isthmus.abc import Runtime
from isthmus_server.workspace import WorkspaceProblems, read_workspace

CRM = SAMPLE["functions/crm/function.toml"]
FAULTS = {
    "unknown field": ("sources/web.toml", "key = 1\n", "Object contains unknown field `key`; it has id, slug, name"),
    "wrong type": ("sources/web.toml", "enabled = 1\n", "Expected `bool`, got `int` - at `$.enabled`"),
    "no TOML": ("sources/web.toml", "enabled\n", "no TOML: "),
    "an id that is none": ("sources/web.toml", 'id = "a b"\n', "Expected `str` matching regex"),
    "missing field": ("destinations/crm.toml", 'function = "crm"\n', "Object missing required field `source`"),
    "neither of two": ("destinations/crm.toml", 'source = "web"\n', "give one of the two"),
    "both of two": ("inserts/tag.toml", 'function = "tag"\nsource = "web"\ndestination = "crm"\n', "give one of the two"),
    "nothing built in": ("destinations/post.toml", 'source = "web"\nbuilt_in = "mail"\n', "built_in is one of webhooks, not 'mail'"),
    "no such function": ("inserts/tag.toml", 'function = "tug"\nsource = "web"\n', "functions/tug is no function that can be read"),
    "no such variable": ("destinations/crm.toml", SAMPLE["destinations/crm.toml"].replace("CRM_KEY", "NONE"), "settings.apiKey takes the variable NONE, and there is none"),
    "no such file": ("sources/web.toml", 'webhook_secret = { file = "none" }\n', "webhook_secret takes the file none"),
    "no kind": ("functions/crm/function.toml", CRM.replace('kind = "destination"', ""), "it has no kind"),
    "no such kind": ("functions/crm/function.toml", CRM.replace('"destination"', '"sink"'), "a kind is one of"),
    "the id of another kind": ("functions/crm/function.toml", 'id = "ifnd_1"\n' + CRM, "id: the id of a destination function is 'dfn_...'"),
    "several events of one, at a destination": (
        "functions/crm/function.toml",
        "fan_out = true\n" + CRM,
        "fan_out is for source inserts",
    ),
    "no code": ("functions/crm/function.toml", 'code = "none.js"\n' + CRM, "there is no file"),
    "code that is no text": ("functions/crm/function.js", "\0\udcff", "its code is no text"),
    "a workspace without a name": ("workspace.toml", 'slug = "a"\n', "Object missing required field `name`"),
    "long code": ("functions/crm/function.js", "/" * (6 * 1024 * 1024 + 1), "its code is longer than the limit"),
    "a long definition": ("functions/crm/function.toml", "#" * (1024 * 1024 + 1), "longer than the limit"),
    "a long file": ("sources/web.toml", "#" * (1024 * 1024 + 1), "longer than the limit"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said(fault: str, directory: Path, runtimes: Mapping[str, Runtime]) -> None:
    file, text, said = FAULTS[fault]
    (directory / file).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(WorkspaceProblems) as caught:
        read_workspace(directory, runtimes, ENVIRON)
    (problem, *_) = caught.value.problems
    assert problem.startswith(("functions/crm/", file))
    assert said in problem
    assert not any(secret in str(caught.value) for secret in ENVIRON.values())


def test_all_that_is_wrong_is_said_at_once(directory: Path, runtimes: Mapping[str, Runtime]) -> None:
    write(directory, {"sources/a.toml": "x = 1\n", "sources/b.toml": "x = 1\n", "inserts/c.toml": ""})
    with pytest.raises(WorkspaceProblems) as caught:
        read_workspace(directory, runtimes, ENVIRON)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "sources/a.toml",
        "sources/b.toml",
        "inserts/c.toml",
    ]


def test_a_directory_without_the_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceProblems, match=r"has no workspace\.toml, and no functions/\*\.tf"):
        read_workspace(tmp_path, {}, {})


def test_a_value_may_be_a_map_that_looks_like_a_reference(
    directory: Path, runtimes: Mapping[str, Runtime]
) -> None:
    write(directory, {"destinations/post.toml": """\
source = "hooks"
built_in = "webhooks"
[settings]
url = { file = "url.txt" }
headers = { value = { env = "production" } }
""", "url.txt": "https://example.com\n"})  # fmt: skip
    read = read_workspace(directory, runtimes, ENVIRON)
    post = next(one for one in read.destinations if one.key == "post")
    assert post.settings["headers"] == {"env": "production"}
    assert repr(post.settings["url"]) == "Secret(...)"
    assert "example" not in repr(read)

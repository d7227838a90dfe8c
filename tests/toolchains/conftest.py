from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.cli.conftest import isthmus as isthmus
from tests.toolchains.compilers import build

import isthmus_wasmtime
from isthmus import Kind
from isthmus.__main__ import main
from isthmus.templates import Template

Built = Callable[[str, Kind], Path]
TEMPLATES: dict[tuple[str, Kind], Template] = {
    (each.language, each.kind): each for each in isthmus_wasmtime.isthmus_templates()
}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Makes functions of templates, and builds them: ``built("rust", Kind.INSERT)`` is a function's directory."""

    @cache
    def made(language: str, kind: Kind) -> Path:
        project = tmp_path_factory.mktemp(f"{language}-{kind.value}") / "mine"
        assert main(["new", kind.value, str(project), "--language", language]) == 0
        build(language, TEMPLATES[language, kind].build, project)
        return project

    return made

"""JavaScript expressions shown here and by a real Node, to be compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

import pytest
from tests.javascript import FakeHost, Scripts

# Where CI says that it is one, a comparison that cannot be made is a failure.
needs_node = pytest.mark.skipif(
    shutil.which("node") is None and os.environ.get("CI") != "true",
    reason="compares with Node, which is not here",
)

SHOW = "try {{ {show}({expression}) }} catch (e) {{ {show}('threw', e.name, e.code ?? '', e.message) }}\n"


def shown(show: str, expressions: Sequence[str]) -> str:
    return "".join(SHOW.format(show=show, expression=expression) for expression in expressions)


async def ours(
    scripts: Scripts, expressions: Sequence[str], before: str = "", modules: Mapping[str, str] | None = None
) -> list[str]:
    """What ``console.log`` says of each expression; see :func:`compare`."""
    body = f"{before}\n{shown('console.log', expressions)}"
    imports = "".join(f"import {name} from {module!r};" for name, module in (modules or {}).items())
    script = await scripts(
        f"{imports}{'export ' if modules else ''}async function onTrack(event, settings) {{ {body} }}",
        log_bytes=4_000_000,
    )
    host = FakeHost()
    await script.value(host=host)
    return host.texts


def nodes(
    expressions: Sequence[str], before: str = "", modules: Mapping[str, str] | None = None
) -> list[str]:
    """The same, said by Node."""
    requires = "".join(f"const {name} = require({module!r});" for name, module in (modules or {}).items())
    code = (
        "const { format } = require('util'), crypto = require('crypto'), lines = [];\n"
        f"const show = (...values) => lines.push(format(...values));\n{requires}"
        f"(async () => {{ {before}\n{shown('show', expressions)}"
        "process.stdout.write(JSON.stringify(lines), () => process.exit()); })()"
    )
    lines: list[str] = json.loads(run_node(code))
    return lines


def run_node(code: str) -> str:
    """What Node prints when it runs a script."""
    done = subprocess.run(
        ["node", "--no-deprecation", "-"], input=code, capture_output=True, text=True, check=True
    )
    return done.stdout


async def compare(
    scripts: Scripts, expressions: Sequence[str], before: str = "", modules: Mapping[str, str] | None = None
) -> None:
    """Fails with every expression on which the two differ.

    Args:
        scripts: loads the function that shows them.
        expressions: each a line of its own, shown or thrown; they may await.
        before: statements that both run first.
        modules: Node's modules that both import whole, by the names they get.
    """
    mine = await ours(scripts, expressions, before, modules)
    theirs = nodes(expressions, before, modules)
    assert len(mine) == len(theirs) == len(expressions)
    differing = [
        f"{expression}\n  Node {right!r}\n  here {left!r}"
        for expression, left, right in zip(expressions, mine, theirs, strict=True)
        if left != right
    ]
    assert not differing, "\n".join(differing)

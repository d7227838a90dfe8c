"""``isthmus new``: a directory with a function to begin with."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from isthmus.functions import Kind

from .definition import MANIFEST, Manifest, kind_named
from .faults import OK, UsageFault
from .options import Parser, add_general
from .screen import Cell, Screen, visible

__all__ = ["Template", "execute", "parser", "templates"]

PLAIN: Final = "plain"
"""The template of each kind that has all its handlers and does nothing else."""

_TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates"
_TYPESCRIPT: Final = "typescript"
_LANGUAGES: Final = {".js": "javascript", ".py": "python", ".ts": _TYPESCRIPT}
_BESIDE: Final = {_TYPESCRIPT: _TEMPLATES / "_typescript"}
"""Files that come with every template in a language: types, and the compiler's settings."""
_NAME: Final = "{{name}}"
_WHAT: Final = {
    "function.js": "the code",
    "function.ts": "the code",
    "function.py": "the code",
    MANIFEST: "its name, its kind, the settings it takes",
    "events.ndjson": "events to try it on",
    "webhooks.ndjson": "webhooks to try it on",
    "broken.ndjson": "events that go wrong, each in another way",
    "expected.ndjson": "what should become of them: isthmus test",
    "sink.json": "what the local sink answers in place of the real API",
    "isthmus.d.ts": "types of handlers, events and globals, for your editor and tsc",
    "tsconfig.json": "what tsc is to make of them: npx tsc",
    "README.md": "how to go on",
}


class Template(NamedTuple):
    """What a function can be made from."""

    kind: Kind
    name: str
    path: Path

    def manifest(self) -> Manifest:
        """Its ``function.toml``."""
        return msgspec.toml.decode((self.path / MANIFEST).read_bytes(), type=Manifest)

    @property
    def language(self) -> str:
        """What its code is written in."""
        manifest = self.manifest()
        return manifest.language or _LANGUAGES[Path(manifest.code).suffix]

    def files(self) -> list[Path]:
        """All that is copied."""
        beside = _BESIDE.get(self.language)
        return sorted([*self.path.iterdir(), *(beside.iterdir() if beside else ())])


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus new",
        usage="isthmus new KIND NAME [--template TEMPLATE] | isthmus new --list",
        description="""
            Makes a directory NAME with a function of a kind (source, destination, insert or
            source_insert), events to try it on, and what should become of them.
        """,
        epilog="""
            examples:
              isthmus new --list
              isthmus new destination my-orders --template orders
              isthmus new source support --template zendesk

            exit status: 0, or 2 for a wrong call, such as for a directory that is there already
        """,
    )
    parser.add_argument(
        "kind", metavar="KIND", nargs="?", help="source, destination, insert or source_insert"
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="directory to make; its last part names the function"
    )
    parser.add_argument(
        "--template",
        metavar="TEMPLATE",
        help=f"what to begin with (default: {PLAIN}, or the language's first)",
    )
    parser.add_argument(
        "--language",
        metavar="NAME",
        help="language of the function: javascript, typescript or python (default: the template's)",
    )
    parser.add_argument("--list", action="store_true", help="list the templates")
    add_general(parser)
    return parser


def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    del plugins
    screen = Screen(sys.stdout)
    if arguments.list:
        _list(screen)
        return OK
    if not (arguments.kind and arguments.name):
        raise UsageFault("it takes a KIND and a NAME, or --list (see isthmus new --help)")
    template = _find(arguments.kind, arguments.template, arguments.language)
    target = Path(arguments.name)
    _make(template, target)
    _say_what_is_next(template, target, screen)
    return OK


def templates() -> Iterator[Template]:
    """All there are, by kind."""
    for kind in Kind:
        for path in sorted((_TEMPLATES / kind.value).iterdir()):
            if (path / MANIFEST).is_file():
                yield Template(kind, path.name, path)


def _list(screen: Screen) -> None:
    rows: list[list[Cell]] = [[(name, "dim") for name in ("kind", "template", "what it does")]]
    rows += [[each.kind.value, (each.name, "bold"), each.manifest().description] for each in templates()]
    screen.table(rows)


def _find(kind_text: str, name: str | None, language: str | None) -> Template:
    kind = kind_named(kind_text)
    of_kind = [template for template in templates() if template.kind is kind]
    known = [template for template in of_kind if language in {None, template.language}]
    if not known:
        there = ", ".join(sorted({template.language for template in of_kind}))
        raise UsageFault(f"there is no template in {language!r}: there are some in {there}")
    for template in known:
        if template.name == (name or PLAIN):
            return template
    if name is None:
        return known[0]
    elsewhere = [template for template in templates() if template.name == name]
    hint = (
        f"; {name!r} is a {elsewhere[0].kind.value} function in {elsewhere[0].language}" if elsewhere else ""
    )
    names = ", ".join(template.name for template in known)
    raise UsageFault(f"there is no template {name!r} for the kind {kind.value}, but {names}{hint}")


def _make(template: Template, target: Path) -> None:
    name = target.resolve().name
    if not name or any(character in name for character in '"\\\n'):
        raise UsageFault(f"{name!r} cannot be the name of a function")
    if target.exists():
        raise UsageFault(f"{target} is there already; nothing was changed")
    try:
        target.mkdir(parents=True)
        for source in template.files():
            text = source.read_text(encoding="utf-8")
            (target / source.name).write_text(text.replace(_NAME, name), encoding="utf-8", newline="\n")
        (target / "README.md").write_text(_readme(template, name, target), encoding="utf-8", newline="\n")
    except OSError as exc:
        raise UsageFault(f"{target} cannot be made: {exc.strerror}") from None


def _commands(template: Template, target: Path) -> list[tuple[str, str]]:
    """Commands to go on with, and what each does."""
    sample = template.manifest().sample
    sink = f" --sink {sample.sink}" if sample.sink else ""
    what = "webhooks" if template.kind is Kind.SOURCE else "events"
    folder = shlex.quote(str(target))
    commands = [
        (f"isthmus run {folder}{sink}", f"run it on its sample {what}"),
        (f"isthmus invoke {folder}{sink} -v", "see one call in full"),
        (f"isthmus test {folder}", "compare with what is expected"),
    ]
    if (template.path / "broken.ndjson").exists():
        broken = shlex.quote(str(target / "broken.ndjson"))
        commands.insert(1, (f"isthmus run {folder} {broken}{sink}", "see things go wrong"))
    return commands


def _say_what_is_next(template: Template, target: Path, screen: Screen) -> None:
    screen.print(screen.paint(f"{visible(str(target))}/", "bold"))
    rows: list[list[Cell]] = [
        [path.name, (_WHAT.get(path.name, ""), "dim")] for path in sorted(target.iterdir(), key=_order)
    ]
    screen.table(rows, indent=2)
    screen.print()
    screen.print(f"Now edit {target / template.manifest().code}, and run it:")
    screen.table(
        [[visible(command), (said, "dim")] for command, said in _commands(template, target)], indent=2
    )


def _order(path: Path) -> int:
    names = list(_WHAT)
    return names.index(path.name) if path.name in names else len(names)


def _readme(template: Template, name: str, target: Path) -> str:
    manifest = template.manifest()
    commands = _commands(template, Path(target.name))
    width = max(len(command) for command, _ in commands)
    lines = [f"# {name}", "", f"{manifest.description}.", ""]
    lines += ["From the directory above:", "", "```"]
    lines += [f"{command:<{width}}  # {said}" for command, said in commands]
    lines += ["```", "", "| file | what it is |", "|---|---|"]
    files = sorted([*template.files(), template.path / "README.md"], key=_order)
    lines += [f"| `{path.name}` | {_WHAT.get(path.name, '')} |" for path in files]
    if manifest.settings:
        lines += ["", "| setting | type | what for |", "|---|---|---|"]
        for setting in manifest.settings:
            traits = [setting.get("type", "STRING")]
            traits += [trait for trait in ("required", "sensitive") if setting.get(trait)]
            lines.append(f"| `{setting['name']}` | {', '.join(traits)} | {setting.get('description', '')} |")
        lines += [
            "",
            "Give real values by `--set NAME=VALUE`, by a file (`--settings FILE`), or by the environment",
            "(`ISTHMUS_SETTING_<NAME>`, where a sensitive one belongs).  Without `--sink` requests go out for real.",
        ]
    return "\n".join(lines) + "\n"

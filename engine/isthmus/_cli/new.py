"""``isthmus new``: a directory with a function to begin with."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from isthmus.functions import Kind
from isthmus.templates import MANIFEST, PLAIN, Template

from .definition import Manifest, kind_named
from .faults import OK, UsageFault
from .offered import FIRST, OfferedTemplates
from .options import Parser, add_general
from .screen import Cell, Screen, visible

__all__ = ["execute", "manifest_of", "parser"]

_NOTES: Final = {
    MANIFEST: "its name, its kind, the settings it takes",
    "events.ndjson": "events to try it on",
    "webhooks.ndjson": "webhooks to try it on",
    "broken.ndjson": "events that go wrong, each in another way",
    "expected.ndjson": "what should become of them: isthmus test",
    "sink.json": "what the local sink answers in place of the real API",
    "cases/": "a call and what is expected of it: isthmus test",
    "README.md": "how to go on",
}
"""What the files are that are called the same in every template; its own notes say what others are.  With a slash, all in it."""


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus new",
        usage="isthmus new KIND NAME [--language LANGUAGE] [--template TEMPLATE] | isthmus new --list",
        description="""
            Makes a directory NAME with a function of a kind (source, destination, insert or
            source_insert), events to try it on, and what should become of them.
        """,
        epilog="""
            examples:
              isthmus new --list
              isthmus new destination my-orders --template orders
              isthmus new source support --template zendesk
              isthmus new insert mask --language rust

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
        metavar="LANGUAGE",
        help=f"language of the function (default: the template's, {FIRST} where there are several)",
    )
    parser.add_argument("--list", action="store_true", help="list the templates")
    add_general(parser)
    return parser


def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    templates = OfferedTemplates(plugins).all
    if arguments.list:
        _list(templates, screen)
        return OK
    if not (arguments.kind and arguments.name):
        raise UsageFault("it takes a KIND and a NAME, or --list (see isthmus new --help)")
    template = _find(templates, arguments.kind, arguments.template, arguments.language)
    target = Path(arguments.name)
    _make(template, target)
    _say_what_is_next(template, target, screen)
    return OK


def manifest_of(template: Template) -> Manifest:
    """A template's ``function.toml``, its name still to be filled in."""
    return msgspec.toml.decode(template.files()[MANIFEST].read_bytes(), type=Manifest)


def _list(templates: Sequence[Template], screen: Screen) -> None:
    rows: list[list[Cell]] = [
        [(name, "dim") for name in ("kind", "language", "template", "what it does")],
        *(
            [each.kind.value, each.language, (each.name, "bold"), manifest_of(each).description]
            for each in templates
        ),
    ]
    screen.table(rows)


def _find(templates: Sequence[Template], kind_text: str, name: str | None, language: str | None) -> Template:
    kind = kind_named(kind_text)
    of_kind = [template for template in templates if template.kind is kind]
    known = [template for template in of_kind if language in {None, template.language}]
    if not known:
        there = ", ".join(sorted({template.language for template in of_kind})) or "no language"
        wanted = f" in {language!r}" if language else ""
        raise UsageFault(f"there is no template{wanted} for the kind {kind.value}: there are some in {there}")
    for template in known:
        if template.name == (name or PLAIN):
            return template
    if name is None:
        return known[0]
    elsewhere = [template for template in templates if template.name == name]
    hint = (
        f"; {name!r} is a {elsewhere[0].kind.value} function in {elsewhere[0].language}" if elsewhere else ""
    )
    names = ", ".join(dict.fromkeys(template.name for template in known))
    raise UsageFault(f"there is no template {name!r} for the kind {kind.value}, but {names}{hint}")


def _make(template: Template, target: Path) -> None:
    name = target.resolve().name
    if not name or any(character in name for character in '"\\\n'):
        raise UsageFault(f"{name!r} cannot be the name of a function")
    if target.exists():
        raise UsageFault(f"{target} is there already; nothing was changed")
    try:
        target.mkdir(parents=True)
        for path, source in template.files().items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(_filled(source.read_bytes(), template, name))
        (target / "README.md").write_text(_readme(template, name, target), encoding="utf-8", newline="\n")
    except OSError as exc:
        raise UsageFault(f"{target} cannot be made: {exc.strerror}") from None


def _filled(data: bytes, template: Template, name: str) -> bytes:
    return data.replace(b"{{name}}", name.encode()).replace(b"{{build}}", template.build.encode())


def _commands(template: Template, target: Path) -> list[tuple[str, str]]:
    """Commands to go on with, and what each does."""
    sample = manifest_of(template).sample
    sink = f" --sink {sample.sink}" if sample.sink else ""
    what = "webhooks" if template.kind is Kind.SOURCE else "events"
    folder = shlex.quote(str(target))
    commands = [(f"(cd {folder} && {template.build})", "build it")] if template.build else []
    commands.append((f"isthmus run {folder}{sink}", f"run it on its sample {what}"))
    if "broken.ndjson" in template.files():
        broken = shlex.quote(str(target / "broken.ndjson"))
        commands.append((f"isthmus run {folder} {broken}{sink}", "see things go wrong"))
    commands += [
        (f"isthmus invoke {folder}{sink} -v", "see one call in full"),
        (f"isthmus test {folder}", "compare with what is expected"),
    ]
    return commands


def _notes(template: Template) -> dict[str, str]:
    """What each file of a function is, in the order in which they are shown."""
    code = manifest_of(template).code
    known = {code: "the code", **template.notes, **_NOTES}
    names = [*template.files(), "README.md"]
    order = list(known)
    names.sort(key=lambda name: order.index(name) if name in known else len(order))
    return {name: known.get(name, known.get(f"{name.rpartition('/')[0]}/", "")) for name in names}


def _say_what_is_next(template: Template, target: Path, screen: Screen) -> None:
    screen.print(screen.paint(f"{visible(str(target))}/", "bold"))
    notes = _notes(template)
    screen.table([[name, (note, "dim")] for name, note in notes.items()], indent=2)
    screen.print()
    screen.print(f"Now edit {visible(str(target / next(iter(notes))))}, and run it:")
    screen.table(
        [[visible(command), (said, "dim")] for command, said in _commands(template, target)], indent=2
    )


def _readme(template: Template, name: str, target: Path) -> str:
    manifest = manifest_of(template)
    commands = _commands(template, Path(target.name))
    width = max(len(command) for command, _ in commands)
    lines = [f"# {name}", "", f"{manifest.description}.", ""]
    lines += ["From the directory above:", "", "```"]
    lines += [f"{command:<{width}}  # {said}" for command, said in commands]
    lines += ["```", "", "| file | what it is |", "|---|---|"]
    lines += [f"| `{path}` | {note} |" for path, note in _notes(template).items()]
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

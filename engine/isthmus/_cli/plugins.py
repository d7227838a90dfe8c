"""``isthmus plugins``: what is installed, from where, and why something is not used."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from importlib import metadata

import msgspec

from isthmus import PluginInfo, open_engine
from isthmus._discovery import Discovery
from isthmus._queues import offered_queues
from isthmus.offers import Offers
from isthmus.serverroutes import offered_routes

from .added import AddedCommands
from .commands import COMMANDS
from .faults import FAILED, OK
from .offered import OfferedTemplates
from .opening import in_trio
from .options import Parser, add_general
from .screen import Cell, Screen, visible

__all__ = ["execute", "in_all", "parser"]


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus plugins",
        usage="isthmus plugins [options]",
        description="""
            Lists the plugins that are installed (entry points of the group "isthmus"), what the engine
            has from each, and what separates the functions of each runtime from the host.
        """,
        epilog="exit status: 0, or 1 where a plugin is not used because of an error",
    )
    parser.add_argument(
        "--verbose", "-v", action="store_true", help="with versions, and the hooks that each implements"
    )
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    if arguments.verbose:
        _tell_versions(screen)
    async with open_engine(plugins=plugins) as engine:
        infos, runtimes = engine.plugins, engine.runtimes
    infos = in_all(infos, plugins)
    if not infos:
        screen.print("no plugin is installed, so there is no runtime to run a function with")
        return OK
    rows: list[list[Cell]] = [[(name, "dim") for name in ("plugin", "from", "offers")]]
    for info in infos:
        origin = f"{info.distribution} {info.version}".strip() or "handed in"
        offers: Cell = ", ".join(info.offers) or ("nothing", "red" if info.error else "dim")
        rows.append([(visible(info.name), "bold"), visible(origin), offers])
    screen.table(rows)
    if arguments.verbose:
        _tell_hooks(plugins, screen)
    for language, runtime in runtimes.items():
        suffixes = " ".join(runtime.suffixes)
        screen.print()
        screen.print(f"{screen.paint(language, 'bold')} {screen.paint(suffixes, 'dim')}")
        screen.print(f"  {visible(runtime.isolation or 'says nothing of its isolation')}")
    broken = [info for info in infos if info.error]
    for info in broken:
        screen.print()
        screen.print(f"{screen.paint(visible(info.name), 'bold red')}: {visible(info.error)}")
    return FAILED if broken else OK


def _tell_versions(screen: Screen) -> None:
    rows: list[list[Cell]] = [[(name, "dim"), version] for name, version in _versions()]
    screen.table(rows)
    screen.print()


def _versions() -> list[tuple[str, str]]:
    found = [("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    for name in ("isthmus", "trio", "pluggy", "msgspec", "wasmtime"):
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def _tell_hooks(plugins: Sequence[object], screen: Screen) -> None:
    screen.print()
    rows: list[list[Cell]] = [[(name, "dim") for name in ("plugin", "implements", "of")]]
    for found in Discovery(plugins, load_entry_points=True, logged=False).found:
        module = getattr(found.plugin, "__name__", None) or type(found.plugin).__module__
        rows.append(
            [(visible(found.name), "bold"), ", ".join(found.hooks) or "nothing", (visible(module), "dim")]
        )
    screen.table(rows)


def in_all(infos: Sequence[PluginInfo], plugins: Sequence[object]) -> tuple[PluginInfo, ...]:
    """What an engine knows of its plugins, together with what they offer that no engine asks for.

    Args:
        infos: the engine's.
        plugins: beside the installed ones.
    """
    added = AddedCommands(plugins, taken=COMMANDS, logged=False)  # the engine has told the log already
    offered = OfferedTemplates(plugins, logged=False)
    queues = offered_queues(plugins, logged=False)
    routes = offered_routes(plugins, logged=False)
    stores: Offers[object] = Offers(
        "isthmus_stores", lambda given: dict(given).items(), plugins, what="store", logged=False
    )
    views = (infos, added.infos, offered.infos, queues.infos, routes.infos, stores.infos)
    return tuple(_together(*each) for each in zip(*views, strict=True))


def _together(*views: PluginInfo) -> PluginInfo:
    """One plugin as the engine and as commands see it."""
    errors = dict.fromkeys(view.error for view in views if view.error)
    offers = tuple(offer for view in views for offer in view.offers)
    return msgspec.structs.replace(views[0], offers=offers, error="; ".join(errors))

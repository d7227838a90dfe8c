"""Where a zygote's interpreter begins: this file is run as a script, isolated, without ``site``.

Beside the standard library only the packages it is told of and ``isthmus_guest`` can be imported, each from its own
directory: what else is installed next to them is not on the path.
"""

from __future__ import annotations

import importlib
import json
import sys
import types


def _package(name: str, places: list[str]) -> None:
    module = types.ModuleType(name)
    module.__path__ = places
    sys.modules[name] = module


def _main() -> None:
    config = json.loads(sys.stdin.buffer.read())
    for name, place in config["inside"].items():
        _package(name.rpartition(".")[0], [])  # what runs on the host's side is out of reach
        _package(name, [place])
    beside = config["beside"]
    sys.path[:0] = beside
    import isthmus_guest  # noqa: F401 -- the whole of it, before its directory is out of reach

    zygote = importlib.import_module(config["zygote"])
    del sys.path[: len(beside)]
    for place in beside:
        sys.path_importer_cache.pop(place, None)
    zygote.main(int(sys.argv[1]), config)


if __name__ == "__main__":
    _main()

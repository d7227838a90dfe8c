"""Where a zygote's interpreter begins: this file is run as a script, isolated, without ``site``.

Beside the standard library only this package and ``isthmus_guest`` can be imported, each from its own
directory: what else is installed next to them is not on the path.
"""

from __future__ import annotations

import json
import os
import sys
import types


def _package(name: str, places: list[str]) -> None:
    module = types.ModuleType(name)
    module.__path__ = places
    sys.modules[name] = module


def _main() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    config = json.loads(sys.stdin.buffer.read())
    _package("isthmus_cpython", [])  # what runs on the host's side is out of reach
    _package("isthmus_cpython.inside", [here])
    sys.path.insert(0, config["guest"])
    import isthmus_guest  # noqa: F401 -- the whole of it, before its directory is out of reach

    del sys.path[0]
    sys.path_importer_cache.pop(config["guest"], None)
    from isthmus_cpython.inside.zygote import main

    main(int(sys.argv[1]), config)


if __name__ == "__main__":
    _main()

"""Directories of workspaces, and stores to apply them to."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final

from isthmus_server.store import KeyRing, Store, open_store

ENVIRON: Final = {"CRM_KEY": "s3cret-key", "WEB_KEY": "web-write-key", "URL": "https://example.com/hook"}

SAMPLE: Final = {
    "workspace.toml": 'name = "Acme"\nslug = "acme"\n',
    "functions/hooks/function.toml": 'kind = "source"\n',
    "functions/hooks/function.js": "function onRequest() {}\n",
    "functions/crm/function.toml": """\
name = "My CRM"
kind = "destination"
description = "sends on"
[[settings]]
name = "apiKey"
type = "STRING"
required = true
sensitive = true
[[settings]]
name = "region"
""",
    "functions/crm/function.js": "async function onTrack() {\n  return 1\n}\n",
    "functions/mask/function.toml": 'kind = "insert"\ncode = "mask.py"\n',
    "functions/mask/mask.py": "def on_track(event, settings):\n    return event\n",
    "functions/tag/function.toml": 'kind = "source_insert"\n',
    "functions/tag/function.js": "function onTrack(event) { return event }\n",
    "sources/web.toml": 'write_keys = [{ env = "WEB_KEY" }]\n',
    "sources/hooks.toml": 'function = "hooks"\nname = "Hooks"\n',
    "destinations/crm.toml": """\
source = "web"
function = "crm"
[settings]
apiKey = { env = "CRM_KEY" }
region = "eu"
""",
    "destinations/post.toml": """\
source = "hooks"
built_in = "webhooks"
enabled = false
[settings]
url = { env = "URL" }
headers = { X-Of = "acme" }
""",
    "inserts/mask.toml": 'function = "mask"\ndestination = "crm"\n',
    "inserts/tag.toml": 'function = "tag"\nsource = "web"\nname = "tags"\n',
}


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write files, and give their directory."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return root


@final
class Stores:
    """Makes new stores."""

    def __init__(self, root: Path, keys: KeyRing) -> None:
        self._root = root
        self._keys = keys
        self._count = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Store]:
        self._count += 1
        path = self._root / f"{self._count}.db"
        shutil.copy(self._root / "new.db", path)
        async with open_store(f"sqlite:{path}", keys=self._keys) as store:
            yield store
        path.unlink()

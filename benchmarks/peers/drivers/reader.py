"""See ``process.py``; what one would write who does not think of hostile code."""

import json
import sys

names: dict[str, object] = {}
exec(json.loads(sys.stdin.readline()), names)
for line in sys.stdin:
    event, settings = json.loads(line)
    print(json.dumps({"value": names["on_track"](event, settings)}), flush=True)  # type: ignore[operator]

"""An HTTP endpoint on loopback that keeps the events it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, final


@final
class Endpoint:
    """What arrives, and at which path.

    Attributes:
        url: of the endpoint.
        events: each with the path it was sent to.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.events: list[tuple[str, dict[str, Any]]] = []

    def at(self, path: str) -> list[dict[str, Any]]:
        """Events that were sent to a path."""
        return [event for there, event in list(self.events) if there == path]


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint in threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            endpoint.events += [(self.path, event) for event in (body if isinstance(body, list) else [body])]
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

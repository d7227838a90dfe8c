"""The request that a source function's ``on_request`` is handed, and headers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["Headers", "Request"]


class Headers(Mapping[str, str]):
    """Headers by name, whatever its case; one that came more than once is joined by commas."""

    def __init__(self, pairs: Iterable[Iterable[str]] = ()) -> None:
        self._pairs = [(name, value) for name, value in pairs]
        self._joined: dict[str, str] = {}
        for name, value in self._pairs:
            lower = name.lower()
            self._joined[lower] = f"{self._joined[lower]}, {value}" if lower in self._joined else value

    def __getitem__(self, name: str) -> str:
        return self._joined[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._joined

    def __iter__(self) -> Iterator[str]:
        return iter(self._joined)

    def __len__(self) -> int:
        return len(self._joined)

    def pairs(self) -> list[tuple[str, str]]:
        """All of them, in order, with their names as they came."""
        return list(self._pairs)

    def __repr__(self) -> str:
        return f"Headers({self._pairs!r})"


class Request:
    """A webhook.

    Attributes:
        method: upper case.
        url: with its query.
        headers: by name, whatever its case.
        body: bytes as they came, for signatures.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.method: str = fields["method"]
        self.url: str = fields["url"]
        self.headers = Headers(fields["headers"])
        encoded = fields.get("base64")
        self.body: bytes = fields.get("text", "").encode() if encoded is None else base64.b64decode(encoded)
        self._parsed: list[Any] = []

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that comes more than once, the last."""
        from urllib.parse import parse_qsl, urlsplit

        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def text(self) -> str:
        """The body as text, what is no UTF-8 replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body parsed, the same object each time; a form's fields, where it is a form."""
        if not self._parsed:
            kind = self.headers.get("content-type", "").strip().lower()
            form = kind.startswith("application/x-www-form-urlencoded")
            self._parsed.append(_fields(self.text()) if form else json.loads(self.text()))
        return self._parsed[0]

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url}>"


def _fields(text: str) -> dict[str, Any]:
    from urllib.parse import parse_qs

    found = parse_qs(text, keep_blank_values=True)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}

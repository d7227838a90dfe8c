"""What a form sends: names and values, within limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, final
from urllib.parse import parse_qsl

from starlette.requests import Request

from isthmus_server.api.bodies import body_of
from isthmus_server.api.problems import problem

__all__ = ["Form", "read_form"]

BYTES: Final = 8 * 1024 * 1024
"""Of a form: a function's code, and an event or a batch of them."""
FIELDS: Final = 4_000
TYPE: Final = "application/x-www-form-urlencoded"


@final
class Form:
    """Names and values, as a browser sends them.

    Args:
        pairs: in their order; one name may come more than once.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._values[name].append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """A value; line ends are single characters, as in what a field was filled with."""
        return self._values[name][-1].replace("\r\n", "\n") if name in self._values else default

    def texts(self, name: str) -> list[str]:
        """All the values of one name."""
        return list(self._values.get(name, ()))

    def rows(self, name: str) -> Iterator[Mapping[str, str]]:
        """The rows of a table: the fields ``NAME.3.label`` of each number, in the order in which they came."""
        found: dict[str, dict[str, str]] = {}
        for each in self._values:
            head, _, rest = each.partition(".")
            number, _, field = rest.partition(".")
            if head == name and field:
                found.setdefault(number, {})[field] = self.text(each)
        yield from found.values()


async def read_form(request: Request) -> Form:
    """The form that a request has sent.

    Raises:
        Problem: it is none, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
        raise problem(415, "The request has to be a form.")
    try:
        text = (await body_of(request, BYTES)).decode()
        return Form(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS, errors="strict"))
    except ValueError:
        raise problem(400, "The form can't be read.") from None

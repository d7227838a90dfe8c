"""An outcome as something to compare with: what a function did, without what differs from run to run by itself."""

from __future__ import annotations

from typing import Any

import msgspec

from isthmus._rules.jsontext import fields_of
from isthmus.outcomes import Exchange, Outcome

__all__ = ["view_of"]


def view_of(outcome: Outcome) -> dict[str, Any]:
    """What an expectation may speak of, as decoded JSON; what is empty is left out.

    ``handler``, ``status``, ``problem`` (``name``, ``message``, ``code``), ``items``, ``requests``
    (``method``, ``url``, ``headers``, ``body``, ``status``, ``error``), ``messages``, ``logs``, ``value``.
    """
    text = msgspec.json.encode(
        {
            "handler": outcome.handler,
            "status": outcome.status,
            "problem": outcome.problem,
            "items": outcome.items,
            "messages": outcome.messages,
            "logs": [log.text for log in outcome.logs],
            "value": outcome.value,
        }
    )
    view: dict[str, Any] = fields_of(text)
    for entry in (view, *view["items"]):
        if entry.get("problem"):
            entry["problem"].pop("stack", None)
    view["requests"] = [_request(exchange) for exchange in outcome.exchanges]
    return {name: value for name, value in view.items() if value not in (None, [], "")}


def _request(exchange: Exchange) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "headers": {name.lower(): value for name, value in exchange.request_headers},
    }
    if exchange.request_body:
        try:
            request["body"] = msgspec.json.decode(exchange.request_body)
        except (ValueError, RecursionError):
            request["body"] = exchange.request_body
    if exchange.error:
        request["error"] = exchange.error
    else:
        request["status"] = exchange.status
    return request

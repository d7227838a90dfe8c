"""A destination function: each handler gets one event and the settings of one instance.

A handler that is left out makes its type of event unsupported.
"""

import json
from typing import Any

from kit import FetchError, InvalidEventPayload, RetryError, fetch, handlers


def deliver(event: dict[str, Any], settings: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    try:
        response = fetch("POST", settings["endpoint"], headers, json.dumps(event, ensure_ascii=False))
    except FetchError as error:
        raise RetryError(str(error)) from None  # no answer: try again later

    if response.status == 429 or response.status >= 500:
        raise RetryError(f"the server answered {response.status}")
    if response.status >= 400:
        raise InvalidEventPayload(f"the server answered {response.status}")


Handlers = handlers(onTrack=deliver, onIdentify=deliver, onPage=deliver, onScreen=deliver, onGroup=deliver)

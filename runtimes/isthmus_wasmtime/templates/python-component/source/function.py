"""A source function: gets a webhook, and sends what it means.

The messages go out only if it ends without an error.
"""

from typing import Any

from kit import InvalidEventPayload, Request, handlers, send


def request(webhook: Request, settings: dict[str, Any]) -> None:
    body = webhook.json()
    user = body.get("user") or {}
    if not user.get("id"):
        raise InvalidEventPayload("the webhook names no user")

    send({"type": "identify", "userId": user["id"], "traits": {"email": user.get("email")}})

    properties = {**body.get("details", {}), "source": webhook.header("X-Source") or "webhook"}
    send({"type": "track", "event": body["event"], "userId": user["id"], "properties": properties})


Handlers = handlers(onRequest=request)

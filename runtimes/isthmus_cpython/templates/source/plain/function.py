# A source function: gets a webhook, and says by segment.identify, segment.track, ... what it means.
# The messages go out only if it ends without an error.

from isthmus_guest import InvalidEventPayload, Request, Settings, segment


def on_request(request: Request, settings: Settings) -> None:
    payload = request.json()
    user = payload.get("user") or {}
    if not user.get("id"):
        raise InvalidEventPayload("the webhook names no user")
    segment.identify(user_id=user["id"], traits={"email": user.get("email")})
    segment.track(
        event=payload["event"],
        user_id=user["id"],
        properties={**payload.get("details", {}), "source": request.headers.get("X-Source", "webhook")},
    )

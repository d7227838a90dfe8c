# A destination function: each handler gets one event and the settings of one instance.
# A handler that is left out makes its type of event unsupported.

from typing import Any, TypedDict

from isthmus_guest import (
    EventNotSupported,
    FetchError,
    IdentifyEvent,
    InvalidEventPayload,
    RetryError,
    TrackEvent,
    fetch,
)


class Config(TypedDict):
    endpoint: str
    apiKey: str


class Order(TypedDict, total=False):
    order_id: str
    total: float
    currency: str


class Customer(TypedDict, total=False):
    email: str


def on_track(event: TrackEvent[Order], settings: Config) -> None:
    if event["event"] != "Order Completed":
        raise EventNotSupported(f'"{event["event"]}" is not sent on')
    order = event["properties"]
    if not order.get("order_id"):
        raise InvalidEventPayload("the order has no order_id")
    body = {
        "id": order["order_id"],
        "customer": event.get("userId"),
        "total": order["total"],
        "currency": order.get("currency", "USD"),
    }
    send("/orders", body, settings)


def on_identify(event: IdentifyEvent[Customer], settings: Config) -> None:
    email = event["traits"].get("email", "").lower()
    send("/customers", {"id": event.get("userId"), "email": email}, settings)


def send(path: str, body: dict[str, Any], settings: Config) -> None:
    headers = {"Authorization": f"Bearer {settings['apiKey']}"}
    try:
        response = fetch(settings["endpoint"] + path, json=body, headers=headers)
    except FetchError as error:
        raise RetryError(str(error)) from error  # no answer: try again later
    if response.status >= 500 or response.status == 429:
        raise RetryError(f"the server answered {response.status}")
    if not response.ok:
        raise InvalidEventPayload(f"the server answered {response.status}")

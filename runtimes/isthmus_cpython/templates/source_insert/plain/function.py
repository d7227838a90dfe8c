# An insert function: what a handler returns goes on. A handler that is left out blocks its type of event;
# DropEvent, or returning nothing, drops one.

import hashlib
from typing import TypedDict

from isthmus_guest import DropEvent, IdentifyEvent, Settings, TrackEvent


class Person(TypedDict, total=False):
    email: str
    email_sha256: str


def on_identify(event: IdentifyEvent[Person], settings: Settings) -> IdentifyEvent[Person]:
    mask(event["traits"])
    return event


def on_track(event: TrackEvent[Person], settings: Settings) -> TrackEvent[Person]:
    if event["properties"].get("email", "").endswith("@example.com"):
        raise DropEvent("internal traffic")
    mask(event["properties"])
    return event


def mask(person: Person) -> None:
    email = person.pop("email", "")
    if email:
        person["email_sha256"] = hashlib.sha256(email.strip().lower().encode()).hexdigest()

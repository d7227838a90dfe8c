"""segment: what a source function sends; kept in order, and handed over when the call has succeeded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._door import door
from ._errors import ValidationError

__all__ = ["Sender", "segment"]

_COMMON = ("userId", "anonymousId", "context", "integrations", "messageId", "sentAt", "timestamp")
_SPELLINGS = {
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "message_id": "messageId",
    "sent_at": "sentAt",
    "group_id": "groupId",
    "previous_id": "previousId",
}


class Sender:
    """Sends messages: ``segment.track(event="Signed Up", user_id="u1")``, or with one mapping of Segment's names.

    Fields a message does not have are left out, and so are empty ones.  Every method gives the message back.

    Attributes:
        lenient: ``group`` and ``page`` need no user.
        messages: what was sent in this call.
    """

    def __init__(self) -> None:
        self.lenient = False
        self.messages: list[dict[str, Any]] = []

    def identify(self, message: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Say who a user is: ``traits``."""
        return self._send("identify", message, fields, None, ("traits",))

    def track(self, message: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Say what a user did: ``event``, ``properties``."""
        return self._send("track", message, fields, "event", ("event", "properties"))

    def page(self, message: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Say which page a user saw: ``name``, ``properties``."""
        return self._send("page", message, fields, None, ("name", "properties"), may_lack_user=True)

    def screen(self, message: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Say which screen a user saw: ``name``, ``properties``."""
        return self._send("screen", message, fields, None, ("name", "properties"))

    def group(self, message: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Put a user in a group: ``group_id``, ``traits``."""
        return self._send("group", message, fields, "groupId", ("groupId", "traits"), may_lack_user=True)

    def alias(self, message: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Give a user another id: ``previous_id``."""
        return self._send("alias", message, fields, "previousId", ("previousId",))

    def set(self, message: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Keep an object for the warehouse: ``collection``, ``id``, ``properties``."""
        given = _given("set", message, fields)
        _demand(given, "collection")
        _demand(given, "id")
        return self._keep({}, given, ("collection", "id", "properties"))

    def _send(
        self,
        type_: str,
        message: Mapping[str, Any] | None,
        fields: dict[str, Any],
        required: str | None,
        kept: tuple[str, ...],
        *,
        may_lack_user: bool = False,
    ) -> dict[str, Any]:
        given = _given(type_, message, fields)
        if required is not None:
            _demand(given, required)
        nobody = all(given.get(name) in (None, "") for name in ("userId", "anonymousId"))
        if nobody and not (may_lack_user and self.lenient):
            raise ValidationError("One of userId,anonymousId is required but not defined")
        return self._keep({"type": type_}, given, (*kept, *_COMMON))

    def _keep(self, message: dict[str, Any], given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        door.require_call("segment")
        message.update({name: given[name] for name in names if given.get(name)})  # as Segment's own runtime
        self.messages.append(message)
        return message


def _given(type_: str, message: Mapping[str, Any] | None, fields: dict[str, Any]) -> dict[str, Any]:
    if message is not None and not isinstance(message, Mapping):
        raise ValidationError(f"segment.{type_} takes a mapping, or fields by name")
    return {_SPELLINGS.get(name, name): value for name, value in {**(message or {}), **fields}.items()}


def _demand(given: dict[str, Any], name: str) -> None:
    if given.get(name) in (None, ""):
        raise ValidationError(f"{name} is required but not defined")


segment = Sender()

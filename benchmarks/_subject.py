"""What every case runs: one async handler over a 1 KB event."""

from __future__ import annotations

import json
from typing import Final

from isthmus import Function, Kind, SettingDefinition

__all__ = ["API_KEY", "CODE", "EVENT", "FUNCTION"]

CODE: Final = """
async function onTrack(event, settings) {
  const p = event.properties;
  return {
    user: event.userId,
    total: p.items.reduce((sum, item) => sum + item.price * item.qty, 0),
    key: settings.apiKey.slice(0, 4),
    tags: p.items.map((item) => item.sku.toLowerCase()),
  };
}
"""

EVENT: Final = json.dumps(
    {
        "type": "track",
        "event": "Order Completed",
        "messageId": "5f1c7f0e-6d0c-4a52-9d1f-3f6f5d1b7a10",
        "userId": "u123",
        "context": {"ip": "1.2.3.4"},
        "properties": {
            "items": [
                {"sku": f"SKU-{number}", "price": 9.5 + number, "qty": number + 1, "name": "thing " * 20}
                for number in range(5)
            ]
        },
    }
).encode()

API_KEY: Final = "abcdefgh"

FUNCTION: Final = Function(
    name="subject",
    kind=Kind.DESTINATION,
    language="javascript",
    code=CODE,
    file="subject.js",
    settings=(SettingDefinition(name="apiKey"),),
)

"""OneSignal's client, as functions for Segment use it, against answers that the service has given."""

from __future__ import annotations

from tests.clients.hosts import Answer, ServiceHost
from tests.javascript import Scripts

API = "https://api.onesignal.com/"
CLIENT = "new OneSignal.DefaultApi(OneSignal.createConfiguration({ restApiKey: 'key', userAuthKey: 'x', organizationApiKey: 'x' }))"


async def test_onesignal_sends_notifications(scripts: Scripts) -> None:
    host = ServiceHost(Answer("POST", API + "notifications", {"id": "n1", "external_id": None}))
    script = await scripts.body(f"""
      const OneSignal = oneSignal.oneSignal, client = {CLIENT};
      const notification = new OneSignal.Notification();
      notification.app_id = 'app';
      notification.contents = {{ en: 'Hello ü' }};
      notification.include_aliases = {{ external_id: ['u1'] }};
      const {{ id }} = await client.createNotification(notification);
      return id;
    """)
    assert await script.value(host=host) == "n1"
    sent = host.sent()
    assert sent.headers["authorization"].endswith("key")
    assert isinstance(sent.json, dict)
    assert sent.json["contents"] == {"en": "Hello ü"}
    assert sent.json["include_aliases"] == {"external_id": ["u1"]}


async def test_onesignal_says_what_was_wrong(scripts: Scripts) -> None:
    host = ServiceHost(Answer("POST", API, {"errors": ["app_id not found"]}, 400))
    script = await scripts.body(f"""
      const OneSignal = oneSignal.oneSignal;
      const notification = new OneSignal.Notification();
      return {CLIENT}.createNotification(notification).catch((error) => [error.code, error.body.errors]);
    """)
    assert await script.value(host=host) == [400, ["app_id not found"]]

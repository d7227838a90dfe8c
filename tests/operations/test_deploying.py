"""Functions deployed in a loop while webhooks and events come in: no call is dropped, and none refused."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import httpx
import pytest
import trio
from tests.ingress.endpoint import listening
from tests.ingress.processes import serving

from isthmus_server.store import WEBHOOKS, Draft, ResourceType, Transaction, open_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

DEPLOYS = 12
HOOK = """
async function onRequest(request) {
  Segment.track({ event: "Hooked", userId: "u", messageId: request.json().id, properties: { version: VERSION } });
}
"""


def hook(version: int) -> str:
    return HOOK.replace("VERSION", str(version))


def test_no_webhook_is_dropped_while_its_function_is_deployed_again_and_again(tmp_path: Path) -> None:
    data = tmp_path / "data"

    def make(url: str, tx: Transaction) -> tuple[str, str, str]:
        draft = Draft(code=hook(0), display_name="Hook")
        function = tx.functions.create(ResourceType.SOURCE, draft)
        source = tx.sources.create("hooks", function.id, {}, enabled=True)
        tx.functions.deploy(source.id)
        tx.destinations.create(source.id, WEBHOOKS, {"url": url}, enabled=True)
        return source.id, source.webhook_secret, f"sfnc_{function.id}"

    async def made(url: str) -> tuple[str, str, str]:
        async with open_store(data) as store:
            return await store.write(lambda tx: make(url, tx))

    with listening() as endpoint:
        source, secret, function = trio.run(made, endpoint.url)
        with serving(tmp_path, "--allow-private", data=data) as served:
            statuses: dict[str, int] = {}
            stop = threading.Event()

            def send(sender: int) -> None:
                headers = {"X-Segment-Source-Function-Token": secret}
                with httpx.Client(base_url=served.url, headers=headers, timeout=60) as http:
                    number = 0
                    while not stop.is_set():
                        id_ = f"{sender}-{number}"
                        statuses[id_] = http.post(f"/webhooks/{source}", json={"id": id_}).status_code
                        number += 1

            senders = [threading.Thread(target=send, args=(number,)) for number in range(3)]
            for sender in senders:
                sender.start()
            token = (data / "owner.token").read_text().strip()
            try:
                with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {token}"}) as api:
                    for version in range(1, DEPLOYS + 1):
                        saved = api.patch(f"/functions/{function}", json={"code": hook(version)})
                        assert saved.status_code == 200
                        assert api.post(f"/functions/sfn_{source}/deploy").status_code == 200
                    served.until(lambda: versions(endpoint.events)[-1:] == [DEPLOYS])
            finally:
                stop.set()
                for sender in senders:
                    sender.join()
            assert set(statuses.values()) == {200}
            served.until(lambda: {event["messageId"] for _, event in list(endpoint.events)} >= set(statuses))
            served.process.send_signal(signal.SIGTERM)
            assert served.ended() == 0
    assert {event["messageId"] for _, event in endpoint.events} == set(statuses)
    assert versions(endpoint.events)[0] == 0


def versions(events: list[tuple[str, dict[str, object]]]) -> list[int]:
    """That made the events so far, each once, rising."""
    return sorted({int(event["properties"]["version"]) for _, event in list(events)})  # type: ignore[index]

"""Google Cloud's clients that speak HTTP, as functions for Segment use them, with a service account's key."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.clients.hosts import Answer, ServiceHost
from tests.javascript import Scripts, call_of

TOKEN = Answer(
    "POST",
    "https://www.googleapis.com/oauth2/v4/token",
    {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"},
)
ROWS = "https://bigquery.googleapis.com/bigquery/v2/projects/p1/datasets/d1/tables/t1/insertAll"
OBJECTS = "https://storage.googleapis.com/storage/v1/b/bucket/o/"
UPLOADS = "https://storage.googleapis.com/upload/storage/v1/b/bucket/o"
GIVEN = "{ projectId: 'p1', credentials: { client_email: 'fn@p1.iam.gserviceaccount.com', private_key: settings.key } }"


@pytest.fixture(scope="session")
def key() -> str:
    """A service account's key, as its JSON has it."""
    made = rsa.generate_private_key(65537, 2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


async def value(scripts: Scripts, body: str, host: ServiceHost, key: str) -> object:
    script = await scripts.body(body)
    return await script.value(call_of({}, {"key": key}), host)


async def test_bigquery_takes_rows(scripts: Scripts, key: str) -> None:
    host = ServiceHost(TOKEN, Answer("POST", ROWS, {"kind": "bigquery#tableDataInsertAllResponse"}))
    body = f"""
      const bigquery = new google.cloud.bigquery.BigQuery({GIVEN});
      await bigquery.dataset('d1').table('t1').insert([{{ event: 'Zoë', at: bigquery.timestamp('2024-01-02T03:04:05Z') }}]);
      return 'done';
    """
    assert await value(scripts, body, host, key) == "done"
    asked, sent = host.sent(0), host.sent(1)
    assert parse_qs(asked.body.decode())["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert sent.headers["authorization"] == "Bearer ya29.token"
    rows = sent.json["rows"]  # type: ignore[index] # an object
    assert [row["json"] for row in rows] == [{"event": "Zoë", "at": "2024-01-02T03:04:05.000Z"}]


async def test_bigquery_says_which_rows_were_refused(scripts: Scripts, key: str) -> None:
    errors = [{"index": 0, "errors": [{"reason": "invalid", "message": "no such field: x."}]}]
    host = ServiceHost(TOKEN, Answer("POST", ROWS, {"insertErrors": errors}))
    body = f"""
      const bigquery = new google.cloud.bigquery.BigQuery({GIVEN});
      return bigquery.dataset('d1').table('t1').insert([{{ x: 1 }}]).catch((error) =>
        [error.name, error.errors[0].errors[0].message, error.errors[0].row.x]);
    """
    assert await value(scripts, body, host, key) == ["PartialFailureError", "no such field: x.", 1]


async def test_storage_keeps_objects(scripts: Scripts, key: str) -> None:
    host = ServiceHost(
        TOKEN,
        Answer("POST", UPLOADS, {"name": "a/b.json", "bucket": "bucket", "crc32c": "VdFiRQ=="}),
        Answer("GET", OBJECTS + "a%2Fb.json?", b'{"a":"\xc3\xa4"}'),
    )
    body = f"""
      const storage = new google.cloud.storage.Storage({GIVEN});
      const file = storage.bucket('bucket').file('a/b.json');
      await file.save(JSON.stringify({{ a: 'ä' }}), {{ contentType: 'application/json', validation: false }});
      const [content] = await file.download({{ validation: false }});
      return content.toString();
    """
    assert await value(scripts, body, host, key) == '{"a":"ä"}'
    sent = host.sent(1)
    assert sent.line.startswith(f"POST {UPLOADS}?")
    assert "name=a%2Fb.json" in sent.line
    assert sent.headers["content-type"].startswith("multipart/related; boundary=")
    assert '{"a":"ä"}'.encode() in sent.body


async def test_storage_says_what_was_wrong(scripts: Scripts, key: str) -> None:
    error = {"error": {"code": 404, "message": "No such object", "errors": [{"message": "No such object"}]}}
    host = ServiceHost(TOKEN, Answer("GET", OBJECTS, error, 404))
    body = f"""
      const storage = new google.cloud.storage.Storage({GIVEN});
      return storage.bucket('bucket').file('gone').getMetadata().catch((error) => [error.code, error.message]);
    """
    assert await value(scripts, body, host, key) == [404, "No such object"]

"""ClickHouse's client, as functions for Segment use it, against what a server has answered."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.clients.hosts import Answer, ServiceHost
from tests.javascript import Scripts

SERVER = "https://ch.example.com:8443/"


async def test_clickhouse_inserts_and_asks(scripts: Scripts) -> None:
    rows = b'{"meta":[{"name":"n","type":"UInt8"}],"data":[{"n":7}],"rows":1}'
    host = ServiceHost(Answer("POST", SERVER, rows))
    script = await scripts.body("""
      const client = clickHouseClient.clickHouseClient.createClient({
        url: 'https://ch.example.com:8443', username: 'u', password: 'p', database: 'shop',
      });
      await client.insert({ table: 'events', values: [{ id: 1, name: 'ü' }, { id: 2, name: 'b' }], format: 'JSONEachRow' });
      const found = await client.query({ query: 'SELECT 7 AS n WHERE {a: UInt8} = 1', format: 'JSON', query_params: { a: 1 } });
      const { data } = await found.json();
      await client.close();
      return data;
    """)
    assert await script.value(host=host) == [{"n": 7}]
    inserted, asked = host.sent(0), host.sent(1)
    parameters = parse_qs(urlsplit(inserted.line.partition(" ")[2]).query)
    assert parameters["query"] == ["INSERT INTO events FORMAT JSONEachRow"]
    assert parameters["database"] == ["shop"]
    assert inserted.basic == "u:p"
    assert inserted.body == '{"id":1,"name":"ü"}\n{"id":2,"name":"b"}\n'.encode()
    assert "param_a=1" in asked.line


async def test_clickhouse_says_what_was_wrong(scripts: Scripts) -> None:
    text = b"Code: 60. DB::Exception: Table shop.nope does not exist. (UNKNOWN_TABLE) (version 24.3)"
    host = ServiceHost(Answer("POST", SERVER, text, 404))
    script = await scripts.body("""
      const client = clickHouseClient.clickHouseClient.createClient({ url: 'https://ch.example.com:8443' });
      return client.query({ query: 'SELECT * FROM nope' }).catch((error) => [error.code, error.type, error.message]);
    """)
    message = "Table shop.nope does not exist. "
    assert await script.value(host=host) == ["60", "UNKNOWN_TABLE", message]

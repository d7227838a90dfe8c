"""Clients of vaults, as functions for Segment use them, against answers that the services have given."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.clients.hosts import Answer, ServiceHost
from tests.javascript import Scripts, call_of

AKEYLESS = "https://api.akeyless.io/"
SKYFLOW = "https://acme.vault.skyflowapis.com/v1/vaults/v1"


async def test_akeyless_logs_in_and_reads_secrets(scripts: Scripts) -> None:
    host = ServiceHost(
        Answer("POST", AKEYLESS + "auth", {"token": "t-1"}),
        Answer("POST", AKEYLESS + "get-secret-value", {"/orders/key": "s3cret"}),
    )
    script = await scripts.body("""
      const akeyless = akeylessLabs.akeyless;
      const client = new akeyless.ApiClient();
      client.basePath = 'https://api.akeyless.io';
      const api = new akeyless.V2Api(client);
      const { token } = await api.auth(akeyless.Auth.constructFromObject({ 'access-id': 'p-1', 'access-key': 'k' }));
      const found = await api.getSecretValue(akeyless.GetSecretValue.constructFromObject({ names: ['/orders/key'], token }));
      return [token, found['/orders/key']];
    """)
    assert await script.value(host=host) == ["t-1", "s3cret"]
    asked = host.sent(0).json
    assert isinstance(asked, dict)
    assert (asked["access-id"], asked["access-key"], asked["access-type"]) == ("p-1", "k", "access_key")
    sent = host.sent(1).json
    assert isinstance(sent, dict)
    assert (sent["names"], sent["token"]) == (["/orders/key"], "t-1")


async def test_akeyless_says_what_was_wrong(scripts: Scripts) -> None:
    host = ServiceHost(Answer("POST", AKEYLESS + "auth", {"error": "failed to authenticate"}, 401))
    script = await scripts.body("""
      const akeyless = akeylessLabs.akeyless;
      return new akeyless.V2Api().auth(akeyless.Auth.constructFromObject({ 'access-id': 'p-1' })).catch((error) =>
        [error.status, error.response.body.error]);
    """)
    assert await script.value(host=host) == [401, "failed to authenticate"]


async def test_skyflow_inserts_with_a_token_of_the_functions(scripts: Scripts) -> None:
    answer = {
        "vaultID": "v1",
        "responses": [{"records": [{"skyflow_id": "id-1", "tokens": {"email": "tok-1"}}]}],
    }
    host = ServiceHost(Answer("POST", SKYFLOW, answer))
    token = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.x"  # nobody's: it says that it is good until 2100
    script = await scripts.body("""
      const { Skyflow } = skyflowlib.skyflow;
      const client = Skyflow.init({
        vaultID: 'v1', vaultURL: 'https://acme.vault.skyflowapis.com', getBearerToken: async () => settings.token,
      });
      const { records } = await client.insert({ records: [{ table: 'people', fields: { email: 'a@b.c' } }] });
      return records;
    """)
    records = await script.value(call_of({}, {"token": token}), host)
    fields = {"skyflow_id": "id-1", "email": "tok-1"}
    assert records == [{"table": "people", "fields": fields, "request_index": 0}]
    assert host.sent().headers["authorization"] == f"Bearer {token}"


async def test_skyflow_makes_tokens_of_a_service_accounts_key(scripts: Scripts) -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    host = ServiceHost(
        Answer(
            "POST",
            "https://manage.skyflowapis.com/v1/auth/sa/oauth/token",
            {"accessToken": "t", "tokenType": "Bearer"},
        )
    )
    script = await scripts.body("""
      const { generateBearerTokenFromCreds } = skyflowlib.skyflow;
      return generateBearerTokenFromCreds(JSON.stringify({
        clientID: 'c', keyID: 'k', tokenURI: 'https://manage.skyflowapis.com/v1/auth/sa/oauth/token', privateKey: settings.key,
      }));
    """)
    token = await script.value(call_of({}, {"key": key.decode()}), host)
    assert token == {"accessToken": "t", "tokenType": "Bearer"}
    sent = host.sent().json
    assert isinstance(sent, dict)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert sent["assertion"].count(".") == 2

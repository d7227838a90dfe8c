"""Azure's clients, as functions for Segment use them, against answers that Azure has given."""

from __future__ import annotations

from tests.clients.hosts import Answer, ServiceHost
from tests.javascript import Scripts

LOGIN = "https://login.microsoftonline.com/"
TENANT = "11111111-2222-3333-4444-555555555555"
ISSUER = f"{LOGIN}{TENANT}"
DISCOVERY = Answer(
    "GET",
    f"{ISSUER}/v2.0/.well-known/openid-configuration",
    {
        "token_endpoint": f"{ISSUER}/oauth2/v2.0/token",
        "authorization_endpoint": f"{ISSUER}/oauth2/v2.0/authorize",
        "issuer": f"{ISSUER}/v2.0",
        "jwks_uri": f"{ISSUER}/discovery/v2.0/keys",
    },
)
CLOUDS = Answer(
    "GET",
    LOGIN + "common/discovery/instance",
    {
        "tenant_discovery_endpoint": f"{ISSUER}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {
                "preferred_network": "login.microsoftonline.com",
                "preferred_cache": "login.windows.net",
                "aliases": ["login.microsoftonline.com", "login.windows.net"],
            }
        ],
    },
)
TOKEN = Answer(
    "POST",
    f"{ISSUER}/oauth2/v2.0/token",
    {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "t-1"},
)
CREDENTIAL = f"new azure.identity.ClientSecretCredential('{TENANT}', 'client', 'secret')"


async def test_a_token_is_got_for_a_clients_secret(scripts: Scripts) -> None:
    host = ServiceHost(DISCOVERY, CLOUDS, TOKEN)
    script = await scripts.body(f"""
      const credential = {CREDENTIAL};
      const {{ token, expiresOnTimestamp }} = await credential.getToken('https://storage.azure.com/.default');
      return [token, expiresOnTimestamp > Date.now()];
    """)
    assert await script.value(host=host) == ["t-1", True]
    asked = next(host.sent(index) for index, sent in enumerate(host.requests) if sent.method == "POST")
    assert asked.form["client_id"] == "client"
    assert asked.form["client_secret"] == "secret"
    assert asked.form["grant_type"] == "client_credentials"
    assert asked.form["scope"].startswith("https://storage.azure.com/.default")


async def test_a_refused_secret_says_so(scripts: Scripts) -> None:
    refused = {
        "error": "invalid_client",
        "error_description": "AADSTS7000215: Invalid client secret provided.",
        "error_codes": [7000215],
    }
    host = ServiceHost(DISCOVERY, CLOUDS, Answer("POST", f"{ISSUER}/oauth2/v2.0/token", refused, 401))
    script = await scripts.body(f"""
      return {CREDENTIAL}.getToken('https://storage.azure.com/.default').catch((error) =>
        [error.name, error.message.includes('AADSTS7000215')]);
    """)
    assert await script.value(host=host) == ["AuthenticationRequiredError", True]


async def test_synapse_lists_roles(scripts: Scripts) -> None:
    workspace = "https://acme.dev.azuresynapse.net/"
    roles = [{"id": "r1", "name": "Synapse Administrator", "isBuiltIn": True}]
    host = ServiceHost(DISCOVERY, CLOUDS, TOKEN, Answer("GET", workspace + "roleDefinitions", roles))
    script = await scripts.body(f"""
      const client = new azure.synapse.AccessControlClient({CREDENTIAL}, 'https://acme.dev.azuresynapse.net');
      const found = await client.roleDefinitions.listRoleDefinitions();
      return found.map((role) => role.name);
    """)
    assert await script.value(host=host) == ["Synapse Administrator"]
    sent = host.sent(len(host.requests) - 1)
    assert sent.headers["authorization"] == "Bearer t-1"

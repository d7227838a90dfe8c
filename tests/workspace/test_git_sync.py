"""A workspace of Segment's, as Git Sync writes it down, applied to a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspace.directories import Stores, write

from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.store import ResourceType
from isthmus_server.workspace import Desired, WorkspaceProblems, apply, read_workspace
from isthmus_server.workspace.kept import kept_in

CODE = 'async function onTrack(event, settings) {\n\treturn `${settings.url}/"x"\\n`;\n}\n'
EXPORT = {
    "README.md": "An export.\n",
    ".terraform/modules/other/main.tf": "what Terraform keeps for itself",
    "functions/dfn_65778887aa.tf": r"""import {
  to = segment_function.id-dfn_65778887aa
  id = "dfn_65778887aa"
}

resource "segment_function" "id-dfn_65778887aa" {
  code          = "async function onTrack(event, settings) {\n\treturn `$${settings.url}/\"x\"\\n`;\n}\n"
  description   = null
  display_name  = "Sender"
  logo_url      = "https://example.com/logo.png"
  resource_type = "DESTINATION"
  settings = [
    {
      description = "Where to"
      label       = "URL"
      name        = "url"
      required    = true
      sensitive   = false
      type        = "STRING"
    },
    {
      description = ""
      label       = "Token"
      name        = "authToken"
      required    = false
      sensitive   = true
      type        = "STRING"
    },
  ]
}
""",
    "functions/sfnc_jihLKw5eVP.tf": """resource "segment_function" "id-sfnc_jihLKw5eVP" {
  code          = "async function onRequest(request) {}"
  display_name  = "Hooks"
  resource_type = "SOURCE"
  settings = [
  ]
}
""",
    "functions/ifnd_6723b13d.tf": """resource "segment_function" "id-ifnd_6723b13d" {
  code          = <<-EOT
    function onTrack(event) {
      return event
    }
  EOT
  display_name  = "Mask"
  resource_type = "INSERT_DESTINATION"
  settings      = null
}
""",
    "sources/9aQ1Lj62.tf": """resource "segment_source" "id-9aQ1Lj62" {
  enabled = true
  labels  = null
  metadata = {
    id = "jihLKw5eVP"
  }
  name     = "Hooks of all"
  settings = jsonencode({})
  slug     = "hooks"
}
""",
    "sources/IqDTy1.tf": """resource "segment_source" "id-IqDTy1" {
  enabled = false
  metadata = {
    id = "IqDTy1TpoU"
  }
  name     = "Website"
  settings = "{\\"website_url\\":\\"https://example.com\\"}"
  slug     = "website"
}
""",
    "sources/cloud.tf": """resource "segment_source" "id-cloud1" {
  enabled = true
  metadata = {
    id = "3hbak7a9"
  }
  name = "Zendesk"
  slug = "zendesk"
}
""",
    "destinations/6a467f71.tf": """resource "segment_destination" "id-6a467f71" {
  enabled = true
  metadata = {
    contacts          = null
    id                = "65778887aa"
    partner_owned     = false
    supported_regions = ["us-west-2"]
  }
  name = "Sender (Acme)"
  settings = jsonencode({
    authToken = "••••••••••OWQz"
    url       = "https://example.com"
    gone      = "old"
  })
  source_id = "IqDTy1"
}
""",
    "destinations/ga4.tf": """resource "segment_destination" "id-6279f7f0" {
  enabled   = true
  metadata  = { id = "60ad61f9ff47a16b8fb7b5d9" }
  name      = "Google Analytics 4"
  settings  = jsonencode({})
  source_id = "IqDTy1"
}
""",
    "insert_functions.tf": """resource "segment_insert_function_instance" "mine" {
  enabled        = true
  function_id    = segment_function.id-ifnd_6723b13d.id
  integration_id = segment_destination.id-6a467f71.id
  name           = "Mask all"
  settings       = jsonencode({})
}
""",
    "destination_subscriptions/6279f7f0_a.tf": """resource "segment_destination_subscription" "id-6279f7f0_a" {
  trigger = "event = \\"Example\\""
}
""",
}


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    return write(tmp_path / "export", EXPORT)


def read(root: Path, **environ: str) -> Desired:
    return read_workspace(root, {}, environ)


async def test_an_export_is_a_workspace_with_the_ids_it_had(stores: Stores, sent: Path) -> None:
    async with stores.open() as store:
        await store.write(lambda tx: apply(tx, read(sent, SENDER_ACME_AUTH_TOKEN="s3cret"), prune=False))
        there = await store.read(kept_in)
        functions = {one.id: one for one in there.functions}
        assert {id_: one.resource_type for id_, one in functions.items()} == {
            "65778887aa": ResourceType.DESTINATION,
            "jihLKw5eVP": ResourceType.SOURCE,
            "6723b13d": ResourceType.INSERT_DESTINATION,
        }
        sender = functions["65778887aa"]
        assert (sender.code, sender.language, sender.display_name) == (CODE, "javascript", "Sender")
        assert sender.settings[0] == SettingDefinition(
            name="url", label="URL", description="Where to", type=SettingType.STRING, required=True
        )
        assert functions["6723b13d"].code == "function onTrack(event) {\n  return event\n}\n"
        assert {one.id: (one.slug, one.function, one.enabled) for one in there.sources} == {
            "9aQ1Lj62": ("hooks", "jihLKw5eVP", True),
            "IqDTy1": ("website", None, False),
        }
        (destination,) = there.destinations
        assert (destination.id, destination.source, destination.name) == (
            "6a467f71",
            "IqDTy1",
            "Sender (Acme)",
        )
        assert destination.settings.values == {"authToken": "s3cret", "url": "https://example.com"}
        (insert,) = there.inserts
        assert (insert.function, insert.integration, insert.name) == ("6723b13d", "6a467f71", "Mask all")
        again = await store.write(lambda tx: apply(tx, read(sent), prune=True))
        assert again.changes == ()  # a secret that is not given stays


def test_what_is_left_out_is_said(sent: Path) -> None:
    assert sorted(read(sent).notes) == [
        "destinations/6a467f71.tf: settings.authToken is a secret, taken from SENDER_ACME_AUTH_TOKEN, which is not set",
        "destinations/6a467f71.tf: settings.gone was left out: its function has no such setting",
        "destinations/ga4.tf: left out: it is of no function, but a destination of Segment's own",
        "left out: 1 of segment_destination_subscription",
        "sources/IqDTy1.tf: a source of Segment's own; it becomes one of the tracking API",
        "sources/cloud.tf: left out: it is a source of Segment's own, and nothing that is taken needs it",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "functions/sfnc_jihLKw5eVP.tf",
            '"SOURCE"',
            '"SAUCE"',
            "Invalid enum value 'SAUCE' - at `\\$.resource_type`",
        ),
        (
            "functions/sfnc_jihLKw5eVP.tf",
            '"async function onRequest(request) {}"',
            "1",
            "Expected `str`, got `int` - at `\\$.code`",
        ),
        ("functions/sfnc_jihLKw5eVP.tf", "  code ", "  cod ", "missing required field `code`"),
        (
            "functions/sfnc_jihLKw5eVP.tf",
            '"SOURCE"',
            '"DESTINATION"',
            "is no id of a function of kind DESTINATION",
        ),
        (
            "functions/sfnc_jihLKw5eVP.tf",
            "(request) {}",
            "${request}",
            r"line 2: \$\{ is computed by Terraform",
        ),
        ("sources/cloud.tf", '"zendesk"', "true", "Expected `str`, got `bool` - at `\\$.slug`"),
        (
            "destinations/6a467f71.tf",
            "jsonencode({",
            'jsonencode("a") #',
            "settings: no JSON object|expected",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_file(sent: Path, file: str, old: str, new: str, said: str) -> None:
    path = sent / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(WorkspaceProblems, match=said) as caught:
        read(sent)
    assert all(line.startswith(file) for line in caught.value.problems)


async def test_terraform_by_hand_is_taken_by_its_names(stores: Stores, tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "main.tf": """
variable "region" {
  default = "eu"
}
resource "segment_function" "tag" {
  code          = "function onTrack(event) { return event }"
  display_name  = "Tag"
  resource_type = "INSERT_SOURCE"
  settings {
    name = "as"
    type = "STRING"
  }
}
resource "segment_source" "web" {
  slug     = "web"
  metadata = { id = "iUM16Md8P2" }
}
resource "segment_insert_function_instance" "tags" {
  function_id    = segment_function.tag.id
  integration_id = segment_source.web.id
  settings       = jsonencode({ "as" : "t" })
}
"""
        },
    )
    async with stores.open() as store:
        for count in (3, 0):
            told = await store.write(lambda tx: apply(tx, read(root), prune=True))
            assert len(told.changes) == count
        (insert,) = (await store.read(kept_in)).inserts
        assert insert.settings.values == {"as": "t"}

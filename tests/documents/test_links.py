"""Whatever a document points to is there."""

from __future__ import annotations

import pytest
from tests.documents.documents import DOCUMENTS, anchors_of, links_of


def test_all_documents_are_looked_at() -> None:
    assert {"README.md", "engine/README.md", "engine/SECURITY.md", "plugins/OPERATIONS.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_and_heading_it_points_to_is_there(document: str) -> None:
    missing = [link for link in links_of(document) if not link.path.exists()]
    assert missing == []
    lost = [
        link
        for link in links_of(document)
        if link.anchor and link.path.suffix == ".md" and link.anchor not in anchors_of(link.path)
    ]
    assert lost == []

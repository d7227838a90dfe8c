"""How functions are run: their isolation, and what else the engine is told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("functions", "versions"):
        op.add_column(table, sa.Column("running", sa.JSON(), nullable=False, server_default="{}"))

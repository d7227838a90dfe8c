"""What functions use, by the day; what they may use; and who has been told that it is running out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("function", sa.String(length=40), nullable=False),
        sa.Column("instance", sa.String(length=40), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("wall", sa.BigInteger(), nullable=False),
        sa.Column("cpu", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "function", "instance", name=op.f("pk_usage")),
    )
    op.create_table(
        "bounds",
        sa.Column("function", sa.String(length=40), nullable=False),
        sa.Column("execution", sa.Float(), nullable=True),
        sa.Column("events", sa.BigInteger(), nullable=True),
        sa.Column("locks", sa.Boolean(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("function", name=op.f("pk_bounds")),
    )
    op.create_table(
        "quota_notices",
        sa.Column("month", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("function", sa.String(length=40), nullable=False),
        sa.Column("measure", sa.String(length=20), nullable=False),
        sa.Column("percent", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("month", "function", "measure", "percent", name=op.f("pk_quota_notices")),
    )

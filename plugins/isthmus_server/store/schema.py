"""The tables, as the newest migration leaves them; a test compares the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "METADATA",
    "audit_events",
    "bounds",
    "delivery_counts",
    "destinations",
    "functions",
    "insert_instances",
    "quota_notices",
    "sources",
    "tokens",
    "usage",
    "versions",
    "workspaces",
    "write_keys",
]

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
ID: Final = 40
"""Characters of the longest id, with room."""

workspaces: Final = Table(
    "workspaces",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("slug", String(120), nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("token_key", LargeBinary, nullable=False),
)

functions: Final = Table(
    "functions",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("resource_type", String(24), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("logo_url", Text, nullable=False),
    Column("language", String(40), nullable=False),
    Column("code", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("running", JSON, nullable=False, server_default="{}"),
    Column("latest", String(ID), nullable=False),
    Column("deployed", String(ID)),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(ID), nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deployed_at", BigInteger),
)
Index("ix_functions_resource_type", functions.c.resource_type, functions.c.created_at, functions.c.id)

versions: Final = Table(
    "versions",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("function", ForeignKey("functions.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("running", JSON, nullable=False, server_default="{}"),
    Column("author", String(ID), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deployed_at", BigInteger),
    UniqueConstraint("function", "number"),
)

sources: Final = Table(
    "sources",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("slug", String(120), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("metadata_id", String(ID), nullable=False),
    Column("function", ForeignKey("functions.id")),
    Column("settings", LargeBinary, nullable=False),
    Column("webhook_secret", LargeBinary, nullable=False),
    Column("deployed", String(ID)),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

write_keys: Final = Table(
    "write_keys",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("source", ForeignKey("sources.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
)

destinations: Final = Table(
    "destinations",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("source", ForeignKey("sources.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("metadata_id", String(ID), nullable=False),
    Column("function", ForeignKey("functions.id")),
    Column("settings", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

insert_instances: Final = Table(
    "insert_instances",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("function", ForeignKey("functions.id"), nullable=False, index=True),
    Column("integration", String(ID), nullable=False, index=True),
    Column("name", Text),
    Column("enabled", Boolean, nullable=False),
    Column("settings", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

tokens: Final = Table(
    "tokens",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("grants", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

audit_events: Final = Table(
    "audit_events",
    METADATA,
    Column("id", String(ID), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("actor", String(ID), nullable=False),
    Column("type", String(60), nullable=False),
    Column("resource_type", String(40), nullable=False),
    Column("resource_id", String(ID), nullable=False),
    Column("resource_name", Text, nullable=False),
)

delivery_counts: Final = Table(
    "delivery_counts",
    METADATA,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("source", String(ID), primary_key=True),
    Column("destination", String(ID), primary_key=True),
    Column("step", String(40), primary_key=True),
    Column("reason", String(40), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

usage: Final = Table(
    "usage",
    METADATA,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("function", String(ID), primary_key=True),
    Column("instance", String(ID), primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("wall", BigInteger, nullable=False),
    Column("cpu", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
)

bounds: Final = Table(
    "bounds",
    METADATA,
    Column("function", String(ID), primary_key=True),
    Column("execution", Float),
    Column("events", BigInteger),
    Column("locks", Boolean, nullable=False),
    Column("concurrency", Integer),
    Column("rate", Float),
)

quota_notices: Final = Table(
    "quota_notices",
    METADATA,
    Column("month", BigInteger, primary_key=True, autoincrement=False),
    Column("function", String(ID), primary_key=True),
    Column("measure", String(20), primary_key=True),
    Column("percent", Integer, primary_key=True, autoincrement=False),
)

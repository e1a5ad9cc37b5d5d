"""A schema of one dialect in the terms of another."""

from __future__ import annotations

from dbclone.findings import Finding
from dbclone.schema import Schema


def translate(schema: Schema, dialect: str) -> tuple[Schema, tuple[Finding, ...]]:
    """The schema in the target's terms, table by table and column by column in the same order, and what got lost."""
    if schema.dialect == dialect:
        return schema, ()
    raise NotImplementedError

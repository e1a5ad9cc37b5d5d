"""What only the values tell: whether a TINYINT(1) holds truth values, a TIME a time of day, a number fits 64 bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbclone.dialects.base import quote
from dbclone.dialects.mysql_session import Session
from dbclone.dialects.mysql_types import base_of
from dbclone.schema import Column, SqlType, TypeFamily

_BIGINT_DIGITS = 20


def refine(session: Session, table: str, columns: Sequence[Column]) -> tuple[int, tuple[Column, ...]]:
    """The number of rows, and the columns with the families that their values have, in one scan of the table."""
    doubtful = {column.name: condition for column in columns if (condition := _exception(column))}
    flags = (f", coalesce(max({condition}), 0)" for condition in doubtful.values())
    rows, *found = session.rows(f"SELECT count(*){''.join(flags)} FROM {quote(table)}")[0]
    exceptional = {name for name, flag in zip(doubtful, found, strict=True) if flag != "0"}
    refined = (replace(c, type=_other(c.type)) if c.name in exceptional else c for c in columns)
    return int(rows), tuple(refined)


def _exception(column: Column) -> str | None:
    """A condition on the values that the declared type's usual family cannot hold."""
    name, found = quote(column.name), column.type
    if found.family is TypeFamily.BOOLEAN and base_of(found) == "tinyint":
        return f"{name} NOT IN (0, 1)"
    if found.family is TypeFamily.INTEGER and base_of(found) == "bigint" and found.unsigned:
        return f"{name} > {2**63 - 1}"
    if found.family is TypeFamily.TIME:
        return f"{name} < '00:00:00' OR {name} >= '24:00:00'"
    return None


def _other(found: SqlType) -> SqlType:
    """The type with the family that holds all of its values."""
    if found.family is TypeFamily.BOOLEAN:
        return replace(found, family=TypeFamily.INTEGER, precision=8, unsigned="unsigned" in found.sql)
    if found.family is TypeFamily.INTEGER:
        return replace(found, family=TypeFamily.DECIMAL, precision=_BIGINT_DIGITS, scale=0)
    return replace(found, family=TypeFamily.INTERVAL, scale=None)

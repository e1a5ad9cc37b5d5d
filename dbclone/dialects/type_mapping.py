"""How the types of one product become those of another: one line per family."""

from __future__ import annotations

from dataclasses import replace

from dbclone.schema import SqlType, TypeFamily

_TO_POSTGRESQL: dict[TypeFamily, str] = {
    TypeFamily.BOOLEAN: "boolean",
    TypeFamily.INTEGER: "bigint",  # SQLite's integers have 64 bits, whatever they are declared as
    TypeFamily.DECIMAL: "numeric",
    TypeFamily.FLOAT: "double precision",
    TypeFamily.TEXT: "text",
    TypeFamily.DATE: "date",
    TypeFamily.TIME: "time without time zone",
    TypeFamily.TIMESTAMP: "timestamp without time zone",
    TypeFamily.UUID: "uuid",
    TypeFamily.JSON: "json",  # not jsonb, which would not give the same text back
    TypeFamily.BYTES: "bytea",
}
"""Families of SQLite; what is missing becomes text."""

_TO_SQLITE: dict[TypeFamily, str] = {
    TypeFamily.BOOLEAN: "BOOLEAN",
    TypeFamily.INTEGER: "BIGINT",
    TypeFamily.DECIMAL: "NUMERIC",
    TypeFamily.FLOAT: "DOUBLE PRECISION",
    TypeFamily.TEXT: "TEXT",
    TypeFamily.DATE: "DATE",
    TypeFamily.TIME: "TIME",
    TypeFamily.TIMESTAMP: "TIMESTAMP",
    TypeFamily.UUID: "UUID",
    TypeFamily.JSON: "JSON",
    TypeFamily.BYTES: "BLOB",
}
"""Families of PostgreSQL; what is missing (intervals, arrays, enums and all types of its own) becomes TEXT."""

_INTEGERS = {16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}
FLOAT_DIGITS = 15
"""Decimal digits that a double keeps: SQLite stores decimals as such."""


def to_postgresql(found: SqlType) -> SqlType:
    """A SQLite column's type in PostgreSQL's terms."""
    sql = _TO_POSTGRESQL.get(found.family)
    if sql is None:
        return SqlType(TypeFamily.TEXT, "text")
    if found.family is TypeFamily.TEXT and found.length is not None:
        sql = f"character varying({found.length})"
    elif found.family is TypeFamily.DECIMAL and found.precision is not None:
        sql = f"numeric({found.precision},{found.scale or 0})"
    elif found.family is TypeFamily.TIMESTAMP and found.with_time_zone:
        sql = "timestamp with time zone"
    return replace(found, sql=sql, storage="", precision=53 if found.family is TypeFamily.FLOAT else found.precision)


def to_sqlite(found: SqlType) -> SqlType:
    """A PostgreSQL column's type in SQLite's terms; labels of an enum and conditions of a domain become checks."""
    sql = _TO_SQLITE.get(found.family)
    if sql is None:
        return SqlType(TypeFamily.TEXT, "TEXT")
    if found.family is TypeFamily.INTEGER:
        sql = _INTEGERS[found.precision or 64]
    elif found.family is TypeFamily.TEXT and found.length is not None:
        sql = f"VARCHAR({found.length})"
    elif found.family is TypeFamily.DECIMAL and found.precision is not None:
        sql = f"NUMERIC({found.precision},{found.scale or 0})"
    elif found.family is TypeFamily.TIMESTAMP and found.with_time_zone:
        sql = "TIMESTAMP WITH TIME ZONE"
    return replace(found, sql=sql, checks=(), item=None)

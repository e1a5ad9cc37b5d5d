"""How the types of one product become those of another: one line per family, one table per target.

What a table lacks (intervals, arrays, and all types of a product's own) becomes text there.
"""

from __future__ import annotations

from dataclasses import replace

from dbclone.dialects.base import MAX_DECIMAL_DIGITS, literal
from dbclone.schema import SqlType, TypeFamily

_TO_POSTGRESQL: dict[TypeFamily, str] = {
    TypeFamily.BOOLEAN: "boolean",
    TypeFamily.INTEGER: "bigint",  # or smaller, as the source's is; SQLite's have 64 bits, whatever is declared
    TypeFamily.DECIMAL: "numeric",
    TypeFamily.FLOAT: "double precision",
    TypeFamily.TEXT: "text",
    TypeFamily.ENUM: "text",  # with a check
    TypeFamily.DATE: "date",
    TypeFamily.TIME: "time without time zone",
    TypeFamily.TIMESTAMP: "timestamp without time zone",
    TypeFamily.INTERVAL: "interval",
    TypeFamily.UUID: "uuid",
    TypeFamily.JSON: "json",  # not jsonb, which would not give the same text back
    TypeFamily.BYTES: "bytea",
}

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
"""Enums become text with a check."""

_TO_MYSQL: dict[TypeFamily, str] = {
    TypeFamily.BOOLEAN: "tinyint(1)",
    TypeFamily.INTEGER: "bigint",
    TypeFamily.DECIMAL: "decimal(65,30)",
    TypeFamily.FLOAT: "double",
    TypeFamily.TEXT: "longtext",
    TypeFamily.ENUM: "enum",
    TypeFamily.DATE: "date",
    TypeFamily.TIME: "time(6)",
    TypeFamily.TIMESTAMP: "datetime(6)",  # with the comment 'in UTC' where there is a time zone
    TypeFamily.UUID: "uuid",
    TypeFamily.JSON: "json",
    TypeFamily.BYTES: "longblob",
}
"""Texts and bytes of bounded length, or in a key, become VARCHAR and VARBINARY (``mysql_fitting``)."""

_TO_DUCKDB: dict[TypeFamily, str] = {
    TypeFamily.BOOLEAN: "BOOLEAN",
    TypeFamily.INTEGER: "BIGINT",
    TypeFamily.DECIMAL: "DECIMAL(38,10)",  # with the digits that the rows have, where there are any
    TypeFamily.FLOAT: "DOUBLE",
    TypeFamily.TEXT: "VARCHAR",
    TypeFamily.ENUM: "ENUM",
    TypeFamily.DATE: "DATE",
    TypeFamily.TIME: "TIME",
    TypeFamily.TIMESTAMP: "TIMESTAMP",
    TypeFamily.UUID: "UUID",
    TypeFamily.JSON: "JSON",
    TypeFamily.BYTES: "BLOB",
}

_POSTGRESQL_INTEGERS = {16: "smallint", 32: "integer", 64: "bigint"}
_SQLITE_INTEGERS = {16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}
_MYSQL_INTEGERS = {16: "smallint", 32: "int", 64: "bigint"}
FLOAT_DIGITS = 15
"""Decimal digits that a double keeps: SQLite stores decimals as such."""
SINGLE_BITS = 24
"""Of the mantissa of a float of 32 bits."""
_MYSQL_DIGITS = 65
_MYSQL_SCALE = 30
_MYSQL_CHARACTERS = 768
"""Longer texts are no VARCHAR: their lengths in bytes add up to that of a row, which is limited."""


def to_postgresql(found: SqlType) -> SqlType:
    """A column's type in PostgreSQL's terms; labels of an enum become a check."""
    sql = _TO_POSTGRESQL.get(found.family)
    if sql is None:
        return SqlType(TypeFamily.TEXT, "text")
    bits = found.precision
    if found.family is TypeFamily.INTEGER:
        bits = _bits(found)
        sql = _POSTGRESQL_INTEGERS[bits]
    elif found.family is TypeFamily.FLOAT:
        bits = 53
    elif (length := _length(found)) is not None:
        sql = f"character varying({length})"
    elif found.family is TypeFamily.DECIMAL and found.precision is not None:
        sql = f"numeric({found.precision},{found.scale or 0})"
    elif found.family is TypeFamily.TIMESTAMP and found.with_time_zone:
        sql = "timestamp with time zone"
    return replace(found, sql=sql, storage="", precision=bits, unsigned=False)


def to_sqlite(found: SqlType) -> SqlType:
    """A column's type in SQLite's terms; labels of an enum and conditions of a domain become checks."""
    sql = _TO_SQLITE.get(found.family)
    if sql is None:
        return SqlType(TypeFamily.TEXT, "TEXT")
    if found.family is TypeFamily.INTEGER:
        sql = _SQLITE_INTEGERS[_bits(found)]
    elif (length := _length(found)) is not None:
        sql = f"VARCHAR({length})"
    elif found.family is TypeFamily.DECIMAL and found.precision is not None:
        sql = f"NUMERIC({found.precision},{found.scale or 0})"
    elif found.family is TypeFamily.TIMESTAMP and found.with_time_zone:
        sql = "TIMESTAMP WITH TIME ZONE"
    return replace(found, sql=sql, checks=(), item=None, unsigned=False)


def to_mysql(found: SqlType, exact_decimals: bool = True) -> SqlType:
    """A column's type in MariaDB's terms; conditions of a domain become checks.

    ``exact_decimals``: the source keeps them so; where it does not, and declares no digits, they are floats.
    """
    sql = _TO_MYSQL.get(found.family)
    if sql is None:
        return SqlType(TypeFamily.TEXT, "longtext")
    if found.family is TypeFamily.INTEGER:
        sql = _MYSQL_INTEGERS[_bits(found)]
    elif found.family is TypeFamily.ENUM:
        sql = f"enum({', '.join(map(mysql_literal, found.values))})"
    elif found.family is TypeFamily.DECIMAL:
        sql = _mysql_decimal(found) if found.precision is not None or exact_decimals else "double"
    elif (length := _length(found)) is not None and length <= _MYSQL_CHARACTERS:
        sql = f"varchar({length})"
    kept = found.family is TypeFamily.DECIMAL and sql.startswith("decimal(") and sql != _TO_MYSQL[TypeFamily.DECIMAL]
    scale = max(found.scale or 0, 0) if kept else None
    return replace(found, sql=sql, storage="", checks=(), item=None, scale=scale)


def to_duckdb(found: SqlType) -> SqlType:
    """A column's type in DuckDB's terms; conditions of a domain become checks, lengths of texts bind nobody."""
    sql = _TO_DUCKDB.get(found.family)
    if sql is None:
        return SqlType(TypeFamily.TEXT, "VARCHAR")
    precision, scale = found.precision, found.scale
    if found.family is TypeFamily.INTEGER:
        sql = _SQLITE_INTEGERS[_bits(found)]
    elif found.family is TypeFamily.FLOAT and precision == SINGLE_BITS:
        sql = "FLOAT"
    elif found.family is TypeFamily.ENUM:
        sql = f"ENUM({', '.join(map(literal, found.values))})"
    elif found.family is TypeFamily.DECIMAL and precision is not None:
        scale = max(found.scale or 0, 0)
        precision = max(precision - min(found.scale or 0, 0), scale)
        if precision <= MAX_DECIMAL_DIGITS:
            sql = f"DECIMAL({precision},{scale})"
        else:
            precision = scale = None
    elif found.family is TypeFamily.TIMESTAMP and found.with_time_zone:
        sql = "TIMESTAMP WITH TIME ZONE"
    limits = {"precision": precision, "scale": scale}
    return replace(found, sql=sql, storage="", checks=(), item=None, unsigned=False, **limits)  # type: ignore[arg-type]


def mysql_literal(text: str) -> str:
    """A text as a literal, in which these products take a backslash for the begin of an escape."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _mysql_decimal(found: SqlType) -> str:
    if found.precision is None:
        return _TO_MYSQL[TypeFamily.DECIMAL]
    digits, scale = found.precision - min(found.scale or 0, 0), max(found.scale or 0, 0)
    if digits > _MYSQL_DIGITS or scale > _MYSQL_SCALE:
        return _TO_MYSQL[TypeFamily.DECIMAL]
    return f"decimal({max(digits, scale)},{scale})"


def _bits(found: SqlType) -> int:
    """The size of an integer with a sign that holds all values of the type: 16, 32 or 64 bits."""
    needed = (found.precision or 64) + found.unsigned
    return next((bits for bits in (16, 32) if needed <= bits), 64)


def _length(found: SqlType) -> int | None:
    """The most characters of a text; MySQL's TEXT types are limited in bytes, which is none to speak of."""
    if found.family is not TypeFamily.TEXT or found.sql.lower() in ("tinytext", "text"):
        return None
    return found.length


def mapped(found: SqlType, source: str, target: str) -> SqlType:
    """A column's type in the terms of another dialect."""
    if target == "postgresql":
        return to_postgresql(found)
    if target == "duckdb":
        return to_duckdb(found)
    return to_mysql(found, source != "sqlite") if target == "mysql" else to_sqlite(found)


PRODUCTS = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB", "duckdb": "DuckDB"}
"""Dialects that are written, by the names of their products."""
_EXAMPLES = (
    ("boolean", SqlType(TypeFamily.BOOLEAN, "")),
    ("integer of 16 bits", SqlType(TypeFamily.INTEGER, "", precision=16)),
    ("integer of 32 bits", SqlType(TypeFamily.INTEGER, "", precision=32)),
    ("integer of 64 bits", SqlType(TypeFamily.INTEGER, "", precision=64)),
    ("decimal of 12 digits, 3 after the point", SqlType(TypeFamily.DECIMAL, "", precision=12, scale=3)),
    ("decimal of any digits", SqlType(TypeFamily.DECIMAL, "")),
    ("float of 32 bits", SqlType(TypeFamily.FLOAT, "", precision=SINGLE_BITS)),
    ("float of 64 bits", SqlType(TypeFamily.FLOAT, "", precision=53)),
    ("text of 40 characters at most", SqlType(TypeFamily.TEXT, "", length=40)),
    ("text", SqlType(TypeFamily.TEXT, "")),
    ("labels a, b", SqlType(TypeFamily.ENUM, "", values=("a", "b"))),
    ("date", SqlType(TypeFamily.DATE, "")),
    ("time", SqlType(TypeFamily.TIME, "")),
    ("timestamp", SqlType(TypeFamily.TIMESTAMP, "")),
    ("timestamp with time zone", SqlType(TypeFamily.TIMESTAMP, "", with_time_zone=True)),
    ("interval", SqlType(TypeFamily.INTERVAL, "")),
    ("UUID", SqlType(TypeFamily.UUID, "")),
    ("JSON", SqlType(TypeFamily.JSON, "")),
    ("bytes", SqlType(TypeFamily.BYTES, "")),
    ("arrays, ranges, anything else", SqlType(TypeFamily.OPAQUE, "")),
)


def type_table() -> tuple[tuple[str, ...], ...]:
    """For people: what a column holds, and its type in each of ``PRODUCTS`` if it comes from another one."""
    return tuple((what, *(mapped(kind, "", target).sql for target in PRODUCTS)) for what, kind in _EXAMPLES)

"""What the dialects share: quoting of names, canonical Arrow types, names given to nameless constraints."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator

import pyarrow as pa

from dbclone.errors import WriteError
from dbclone.schema import Column, SqlType, Table, TableName, TypeFamily

MAX_DECIMAL_DIGITS = 38
"""The most digits that Arrow's decimal128 can hold."""

_ARROW: dict[TypeFamily, pa.DataType] = {
    TypeFamily.BOOLEAN: pa.bool_(),
    TypeFamily.INTEGER: pa.int64(),
    TypeFamily.FLOAT: pa.float64(),
    TypeFamily.DATE: pa.date32(),
    TypeFamily.TIME: pa.time64("us"),
    TypeFamily.TIMESTAMP: pa.timestamp("us"),
    TypeFamily.BYTES: pa.binary(),
}


def arrow_type(sql_type: SqlType, exact_decimals: bool) -> pa.DataType:
    """The canonical Arrow type of a column (see ``abc.Source.read``).

    ``exact_decimals`` says whether the product keeps decimals exactly; a DECIMAL without declared precision gets
    the widest type and is narrowed by the reader, which sees the values.
    """
    if sql_type.family is TypeFamily.DECIMAL:
        if not exact_decimals:
            return pa.float64()
        return pa.decimal128(min(sql_type.precision or MAX_DECIMAL_DIGITS, MAX_DECIMAL_DIGITS), sql_type.scale or 0)
    if sql_type.family is TypeFamily.TIMESTAMP and sql_type.with_time_zone:
        return pa.timestamp("us", tz="UTC")
    return _ARROW.get(sql_type.family, pa.string())


@contextlib.contextmanager
def fitting(table: Table, column: Column) -> Iterator[None]:
    """Values that do not fit a column as a WriteError that names it; Arrow's own message quotes the value."""
    try:
        yield
    except (pa.ArrowException, ValueError):
        message = f"A value does not fit table {table.name}, column {column.name} of type {column.type.sql}."
        raise WriteError(message) from None


def without_text(error: Exception) -> Exception:
    """What may stand as the cause of an error in place of a driver's own, whose text can quote rows."""
    return Exception(f"{type(error).__name__} (text withheld)")


def quote(name: str) -> str:
    """A name as a delimited identifier: standard SQL, understood by SQLite, PostgreSQL and MariaDB's ANSI_QUOTES."""
    return '"' + name.replace('"', '""') + '"'


def quote_all(names: Iterable[str]) -> str:
    """Names as a comma-separated list of delimited identifiers."""
    return ", ".join(quote(name) for name in names)


def qualified(name: TableName) -> str:
    """A table's name, delimited, with its schema where it has one."""
    return f"{quote(name.schema)}.{quote(name.name)}" if name.schema else quote(name.name)


def literal(text: str) -> str:
    """A text as a standard SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def constraint_name(table: str, columns: Iterable[str], suffix: str) -> str:
    """A name for a constraint that the source left nameless, after PostgreSQL's own pattern (``t_a_b_fkey``)."""
    return "_".join([table, *columns, suffix])


def rows_of(dialect: str, table: Table) -> str:
    """The table in a FROM clause: its own rows, not those of tables that inherit from it, but all its partitions'."""
    partitioned = table.suffix.startswith("PARTITION BY")
    return ("ONLY " if dialect == "postgresql" and not partitioned else "") + qualified(table.name)


def is_null(dialect: str, name: str) -> str:
    """Whether a column is NULL; MariaDB's IS NULL is also true of the zero dates of columns that may not be NULL."""
    return f"{quote(name)} <=> NULL" if dialect == "mysql" else f"{quote(name)} IS NULL"


def domain_condition(column: Column, condition: str) -> str:
    """A domain's condition on VALUE as one on a column; the word inside string literals stays."""
    parts = re.split(r"('(?:[^']|'')*')", condition)
    name = quote(column.name).replace("\\", "\\\\")
    return "".join(part if at % 2 else re.sub(r"\bVALUE\b", name, part) for at, part in enumerate(parts))

"""Proof of integrity by SQL in the database itself: every key, reference, NOT NULL, check and domain, with counts.

Nothing here trusts that a database enforces its constraints: SQLite does not by default, PostgreSQL not those that are
NOT VALID or loaded with triggers off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from dbclone.dialects.base import domain_condition, quote, quote_all, rows_of
from dbclone.dialects.translation import translate
from dbclone.findings import Finding, Severity
from dbclone.schema import Column, ForeignKey, Key, Schema, Table


class Countable(Protocol):
    """An opened database, source or target."""

    dialect: str

    def count(self, sql: str) -> int: ...


def check(database: Countable, schema: Schema) -> tuple[Finding, ...]:
    """Every violation of the schema's constraints, one Finding per constraint; empty means that all of them hold.

    ``schema`` may be in the terms of another dialect: it is translated as ``Target.create`` does.
    """
    own, _ = translate(schema, database.dialect)
    return tuple(finding for table in own.tables for finding in _check_table(database, own, table))


def orphans(database: Countable, schema: Schema) -> tuple[Finding, ...]:
    """Rows that refer to a parent that does not exist, one Finding per foreign key that has any."""
    own, _ = translate(schema, database.dialect)
    found = []
    for table in own.tables:
        for key in table.foreign_keys:
            count = database.count(_orphan_query(own, table, key))
            if count:
                message = f"Rows refer to missing rows of {key.parent} by foreign key {key.name}."
                found.append(Finding(Severity.WARNING, "orphans", table.name, key.columns, message, count))
    return tuple(found)


def _check_table(database: Countable, schema: Schema, table: Table) -> Iterator[Finding]:
    rows = _Rows(rows_of(schema.dialect, table))
    if table.primary_key:
        yield from _violation(database, rows.duplicates(table.primary_key), table, "duplicate-key", table.primary_key)
    for key in table.uniques:
        yield from _violation(database, rows.duplicates(key), table, "duplicate-key", key)
    required = [
        c for c in table.columns if not c.nullable or (table.primary_key and c.name in table.primary_key.columns)
    ]
    if required and database.count(rows.nulls(required)):
        for column in required:
            count = database.count(rows.nulls([column]))
            if count:
                message = "NULL in a column that does not allow it."
                yield Finding(Severity.VIOLATION, "null", table.name, (column.name,), message, count)
    for reference in table.foreign_keys:
        count = database.count(_orphan_query(schema, table, reference))
        if count:
            message = f"Rows refer to missing rows of {reference.parent} by foreign key {reference.name}."
            yield Finding(Severity.VIOLATION, "orphans", table.name, reference.columns, message, count)
    for name, columns, condition in _conditions(table):
        count = database.count(f"SELECT count(*) FROM {rows.source} WHERE NOT ({condition})")
        if count:
            message = f"Rows violate the check {name}."
            yield Finding(Severity.VIOLATION, "check", table.name, columns, message, count)


def _violation(database: Countable, sql: str, table: Table, code: str, key: Key) -> Iterator[Finding]:
    count = database.count(sql)
    if count:
        yield Finding(
            Severity.VIOLATION, code, table.name, key.columns, f"Rows repeat a value of key {key.name}.", count
        )


def _conditions(table: Table) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Name, columns and SQL condition of every check, those of domains applied to their columns."""
    for check_ in table.checks:
        yield check_.name, (), check_.expression
    for column in table.columns:
        for condition in column.type.checks:
            yield f"of domain {column.type.sql}", (column.name,), domain_condition(column, condition)


class _Rows:
    """Queries on the rows of one table, those of tables that inherit from it not counted."""

    def __init__(self, source: str) -> None:
        self.source = source

    def duplicates(self, key: Key) -> str:
        columns = quote_all(key.columns)
        present = " AND ".join(f"{quote(column)} IS NOT NULL" for column in key.columns)
        where = f" WHERE {present}" if key.nulls_distinct else ""
        groups = f"SELECT count(*) AS n FROM {self.source}{where} GROUP BY {columns} HAVING count(*) > 1"
        return f"SELECT coalesce(sum(n - 1), 0) FROM ({groups}) AS repeated"

    def nulls(self, columns: list[Column]) -> str:
        missing = " OR ".join(f"{quote(column.name)} IS NULL" for column in columns)
        return f"SELECT count(*) FROM {self.source} WHERE {missing}"


def _orphan_query(schema: Schema, table: Table, key: ForeignKey) -> str:
    """Rows whose reference is complete (MATCH SIMPLE) and met by no parent: a join, which every product can hash."""
    parent = rows_of(schema.dialect, schema.table(key.parent))
    pairs = list(zip(key.columns, key.parent_columns, strict=True))
    equal = " AND ".join(f"parent.{quote(theirs)} = child.{quote(own)}" for own, theirs in pairs)
    present = " AND ".join(f"child.{quote(own)} IS NOT NULL" for own in key.columns)
    missing = f"parent.{quote(key.parent_columns[0])} IS NULL"
    source = f"{rows_of(schema.dialect, table)} AS child LEFT JOIN {parent} AS parent ON {equal}"
    return f"SELECT count(*) FROM {source} WHERE {present} AND {missing}"

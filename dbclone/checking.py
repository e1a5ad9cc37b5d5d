"""Proof of integrity by SQL in the database itself: every key, reference, NOT NULL, check and domain, with counts.

Nothing here trusts that a database enforces its constraints: SQLite does not by default, PostgreSQL not those that are
NOT VALID or loaded with triggers off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from dbclone.dialects.base import domain_condition, is_null, literal, quote, quote_all, rows_of
from dbclone.dialects.translation import translate
from dbclone.findings import Finding, Severity
from dbclone.schema import Column, ForeignKey, Key, Schema, Table, TypeFamily, Virtual
from dbclone.virtual_keys import whole


class Countable(Protocol):
    """An opened database, source or target."""

    dialect: str

    def count(self, sql: str) -> int: ...


def check(database: Countable, schema: Schema) -> tuple[Finding, ...]:
    """Every violation of the schema's constraints, one Finding per constraint; empty means that all of them hold.

    ``schema`` may be in the terms of another dialect: it is translated as ``Target.create`` does.  Of the rows of a
    virtual key, as many may refer to nothing as do in the source.
    """
    own, _ = translate(whole(schema), database.dialect)
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


def measured(database: Countable, schema: Schema, wanted: Schema) -> Schema:
    """The schema with what the rows say of each virtual key, where both its tables are ``wanted``.

    That is the share of orphans, and whether what is referred to is unique though no key says so.
    """
    names = {table.name for table in wanted.tables}

    def counted(table: Table, key: ForeignKey) -> ForeignKey:
        if key.virtual is None or not {table.name, key.parent} <= names:
            return key
        rows = f"{rows_of(schema.dialect, table)} AS child WHERE {_refers(table, key)}"
        referring = database.count(f"SELECT count(*) FROM {rows}")
        orphaned = database.count(_orphan_query(schema, table, key)) if referring else 0
        unique = key.virtual.unique or _is_undeclared_key(database, schema, key)
        return replace(key, virtual=replace(key.virtual, orphans=orphaned / max(referring, 1), unique=unique))

    tables = (replace(t, foreign_keys=tuple(counted(t, key) for key in t.foreign_keys)) for t in schema.tables)
    return replace(schema, tables=tuple(tables))


def _is_undeclared_key(database: Countable, schema: Schema, key: ForeignKey) -> bool:
    parent = schema.table(key.parent)
    if any(set(known.columns) <= set(key.parent_columns) for known in parent.keys):
        return False
    return not database.count(_Rows(schema.dialect, parent).duplicates(Key("", key.parent_columns)))


def _check_table(database: Countable, schema: Schema, table: Table) -> Iterator[Finding]:
    rows = _Rows(schema.dialect, table)
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
        if count > _allowed(database, schema, table, reference):
            kind = "foreign" if reference.virtual is None else "virtual"
            message = f"Rows refer to missing rows of {reference.parent} by {kind} key {reference.name}."
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

    def __init__(self, dialect: str, table: Table) -> None:
        self.dialect = dialect
        self.source = rows_of(dialect, table)

    def duplicates(self, key: Key) -> str:
        columns = quote_all(key.columns)
        present = " AND ".join(f"{quote(column)} IS NOT NULL" for column in key.columns)
        where = f" WHERE {present}" if key.nulls_distinct else ""
        groups = f"SELECT count(*) AS n FROM {self.source}{where} GROUP BY {columns} HAVING count(*) > 1"
        return f"SELECT coalesce(sum(n - 1), 0) FROM ({groups}) AS repeated"

    def nulls(self, columns: list[Column]) -> str:
        missing = " OR ".join(is_null(self.dialect, column.name) for column in columns)
        return f"SELECT count(*) FROM {self.source} WHERE {missing}"


def _allowed(database: Countable, schema: Schema, table: Table, key: ForeignKey) -> int:
    """How many rows may refer to nothing: none, but of a virtual key the share that do in the source."""
    if key.virtual is None or not key.virtual.orphans:
        return 0
    source = f"{rows_of(schema.dialect, table)} AS child"
    return math.ceil(key.virtual.orphans * database.count(f"SELECT count(*) FROM {source} WHERE {_refers(table, key)}"))


def _refers(table: Table, key: ForeignKey) -> str:
    """The rows whose reference is complete; of a virtual key, those that it is about."""
    conditions = [f"child.{quote(own)} IS NOT NULL" for own in key.columns]
    virtual = key.virtual or Virtual()
    if virtual.where is not None:
        conditions.append(f"child.{quote(virtual.where[0])} = {_constant(table, *virtual.where)}")
    if virtual.nothing is not None:
        conditions.append(f"child.{quote(key.columns[0])} <> {_constant(table, key.columns[0], virtual.nothing)}")
    return " AND ".join(conditions)


def _constant(table: Table, column: str, text: str) -> str:
    whole_number = table.column(column).type.family in (TypeFamily.INTEGER, TypeFamily.DECIMAL)
    return str(int(text)) if whole_number else literal(text)


def _orphan_query(schema: Schema, table: Table, key: ForeignKey) -> str:
    """Rows whose reference is complete (MATCH SIMPLE) and met by no parent: a join, which every product can hash."""
    parent = rows_of(schema.dialect, schema.table(key.parent))
    pairs = list(zip(key.columns, key.parent_columns, strict=True))
    equal = " AND ".join(f"parent.{quote(theirs)} = child.{quote(own)}" for own, theirs in pairs)
    missing = f"parent.{quote(key.parent_columns[0])} IS NULL"
    source = f"{rows_of(schema.dialect, table)} AS child LEFT JOIN {parent} AS parent ON {equal}"
    return f"SELECT count(*) FROM {source} WHERE {_refers(table, key)} AND {missing}"

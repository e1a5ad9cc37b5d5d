"""CREATE statements for a DuckDB target, of tables that are already in its terms, and what DuckDB cannot hold.

DuckDB takes keys, references and conditions only with CREATE TABLE, checks references row by row, and knows neither
actions nor deferral; the columns of a reference stand in the order, and have the types, of the key that they refer to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dbclone.dialects.base import literal, quote, quote_all
from dbclone.findings import Finding, Severity
from dbclone.graph import find_cycles, load_order
from dbclone.schema import Check, Column, ForeignKey, Schema, Table, TableName

Types = Mapping[str, str]
"""Types by column."""


@dataclass(frozen=True)
class Held:
    """What of a schema DuckDB holds, and what it does not."""

    order: tuple[TableName, ...]
    """Parents before children."""
    references: Mapping[TableName, tuple[ForeignKey, ...]]
    checks: Mapping[TableName, tuple[Check, ...]]
    findings: tuple[Finding, ...]


def held(schema: Schema) -> Held:
    """Choose what to create of a schema in DuckDB's terms; every choice against something is a finding."""
    cut = {(r.child, r.foreign_key) for cycle in find_cycles(schema) for r in cycle.deferred}
    references, checks = {}, {}
    findings: list[Finding] = []
    for table in schema.tables:
        kept = []
        for key in table.foreign_keys:
            ordered = _in_order(key, schema.table(key.parent))
            reason = _objection(table, key, ordered, (table.name, key) in cut)
            if ordered is not None and not reason:
                kept.append(ordered)
                findings += _changed(table, key)
            else:
                findings.append(_lost(table, f"foreign key {key.name}", key.columns, reason))
        references[table.name] = tuple(kept)
        computed = _computed(table)
        for what, columns in _about(table, computed):
            findings.append(_lost(table, what, columns, "it is about a generated column"))
        checks[table.name] = tuple(c for c in table.checks if not _mentions(c, computed))
        for check in (c for c in table.checks if _mentions(c, computed)):
            reason = "it is about a generated column"
            findings.append(_lost(table, f"check {check.name}", (), reason))
    kept_schema = replace(schema, tables=tuple(replace(t, foreign_keys=references[t.name]) for t in schema.tables))
    return Held(load_order(kept_schema), references, checks, tuple(findings))


def create_table(table: Table, references: Sequence[ForeignKey], checks: Sequence[Check], types: Types) -> str:
    """CREATE TABLE; a column that numbers itself takes its numbers from ``sequence_name``."""
    items = [_column(table, column, types[column.name]) for column in table.columns]
    computed = _computed(table)
    primary = table.primary_key.columns if table.primary_key else ()
    if primary and computed.isdisjoint(primary):
        items.append(f"PRIMARY KEY ({quote_all(primary)})")
    uniques = dict.fromkeys(key.columns for key in table.uniques if computed.isdisjoint(key.columns))
    items += [f"UNIQUE ({quote_all(columns)})" for columns in uniques if columns != primary]
    items += [
        f"FOREIGN KEY ({quote_all(key.columns)}) REFERENCES {quote(key.parent.name)} ({quote_all(key.parent_columns)})"
        for key in references
    ]
    items += [f"CHECK ({check.expression})" for check in checks]
    return f"CREATE TABLE {quote(table.name.name)} (\n  " + ",\n  ".join(items) + "\n)"


def index_statements(table: Table) -> Iterator[str]:
    """The indexes that no key stands for."""
    unique, computed = {key.name for key in table.keys}, _computed(table)
    for index in table.indexes:
        if index.name not in unique and computed.isdisjoint(index.columns):
            yield index.ddl


def _computed(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns if column.generated is not None)


def _about(table: Table, computed: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys and indexes over generated columns, of which DuckDB takes none."""
    if table.primary_key and not computed.isdisjoint(table.primary_key.columns):
        yield f"primary key {table.primary_key.name}", table.primary_key.columns
    unique = {key.name for key in table.uniques}
    indexes = [(index.name, index.columns) for index in table.indexes if index.name not in unique]
    for kind, found in (("unique key", [(k.name, k.columns) for k in table.uniques]), ("index", indexes)):
        yield from ((f"{kind} {name}", columns) for name, columns in found if not computed.isdisjoint(columns))


def sequence_name(table: Table, column: Column) -> str:
    """A name that nextval, which reads a path, takes for nothing else; hexadecimal digits keep any two apart."""
    plain = re.sub(r"[^a-z0-9]+", "_", f"{table.name.name}_{column.name}".lower())
    return f"{plain}_{(table.name.name + chr(0) + column.name).encode().hex()[-12:]}_seq"


def numbered(table: Table) -> tuple[Column, ...]:
    """The columns that number themselves."""
    return tuple(column for column in table.columns if column.identity is not None)


def _column(table: Table, column: Column, sql: str) -> str:
    if column.generated is not None:
        return f"{quote(column.name)} {sql} GENERATED ALWAYS AS ({column.generated})"
    parts = [quote(column.name), sql]
    if column.identity is not None:
        parts.append(f"DEFAULT nextval({literal(sequence_name(table, column))})")
    elif column.default is not None:
        parts.append(f"DEFAULT ({column.default})")
    return " ".join(parts if column.nullable else [*parts, "NOT NULL"])


def _in_order(key: ForeignKey, parent: Table) -> ForeignKey | None:
    """The reference with its columns in the order of a key of the parent; None if they are no key."""
    computed = _computed(parent)
    for known in (key for key in parent.keys if computed.isdisjoint(key.columns)):
        if set(known.columns) == set(key.parent_columns) and len(known.columns) == len(key.parent_columns):
            own = tuple(key.columns[key.parent_columns.index(column)] for column in known.columns)
            return replace(key, columns=own, parent_columns=known.columns)
    return None


def _objection(table: Table, key: ForeignKey, ordered: ForeignKey | None, cut: bool) -> str:
    if cut:
        return "its tables refer to each other, and references are created with their tables"
    if ordered is None:
        return "its parent columns are not unique, or generated"
    if any(table.column(name).generated is not None for name in key.columns):
        return "it is about a generated column"
    return ""


def _changed(table: Table, key: ForeignKey) -> Iterator[Finding]:
    lost = [word for word in (key.on_delete, key.on_update) if word not in ("NO ACTION", "RESTRICT")]
    lost += ["deferral"] * key.deferrable + ["MATCH FULL"] * key.match_full
    if lost:
        message = f"Foreign key {key.name} is checked at once and has no action: DuckDB has no {' and no '.join(lost)}."
        yield Finding(Severity.NOTE, "action", table.name, key.columns, message, subject=_subject(table, key.name))


def _lost(table: Table, what: str, columns: tuple[str, ...], reason: str) -> Finding:
    message = f"DuckDB cannot hold the {what} of {table.name}, which is only proven: {reason}."
    return Finding(Severity.NOTE, "not-copied", table.name, columns, message, subject=f"{what} on {table.name}")


def _subject(table: Table, name: str) -> str:
    return f"foreign key {name} on {table.name}"


def self_reference_lost(table: Table, key: ForeignKey) -> Finding:
    """That rows refer to themselves or to each other, which no order of loading satisfies."""
    reason = "rows refer to themselves or to each other, and each reference is checked at once"
    return _lost(table, f"foreign key {key.name}", key.columns, reason)


def _mentions(check: Check, columns: Collection[str]) -> bool:
    return any(quote(column) in check.expression for column in columns)

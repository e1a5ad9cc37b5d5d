"""CREATE statements for a SQLite target: the source's own words where it is SQLite, rendered ones otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from dbclone.dialects.base import quote, quote_all
from dbclone.dialects.sqlite_ddl import read_table, without_references
from dbclone.schema import Column, ForeignKey, Schema, Table


def create_statements(schema: Schema) -> Iterator[str]:
    """One CREATE TABLE per table, in the schema's order."""
    for table in schema.tables:
        yield _verbatim(table) if table.ddl else render_table(table)


def _verbatim(table: Table) -> str:
    """The source's words, less the foreign keys that the schema does not have (parent left out, dangling)."""
    assert table.ddl is not None
    kept = list(table.foreign_keys)
    drop = set()
    for position, clause in enumerate(read_table(table.ddl).references):
        match = next((key for key in kept if clause.says(key.columns, key.parent.name)), None)
        if match is None:
            drop.add(position)
        else:
            kept.remove(match)
    return without_references(table.ddl, drop)


def render_table(table: Table) -> str:
    """CREATE TABLE of a table that is already in SQLite's terms; keys that an index repeats are left to the index."""
    indexed = {index.name for index in table.indexes}
    rowid = next((column.name for column in table.columns if column.identity == "rowid"), None)
    items = [_column(column) for column in table.columns]
    if table.primary_key and rowid is None:
        items.append(f"PRIMARY KEY ({quote_all(table.primary_key.columns)})")
    items += [
        f"CONSTRAINT {quote(key.name)} UNIQUE ({quote_all(key.columns)})"
        for key in table.uniques
        if key.name not in indexed
    ]
    items += [_foreign_key(key) for key in table.foreign_keys]
    items += [f"CONSTRAINT {quote(check.name)} CHECK ({check.expression})" for check in table.checks]
    return f"CREATE TABLE {quote(table.name.name)} (\n  " + ",\n  ".join(items) + f"\n) {table.suffix}".rstrip()


def _column(column: Column) -> str:
    parts = [quote(column.name), column.type.sql]
    if column.identity == "rowid":
        parts.append("PRIMARY KEY")
    if not column.nullable:
        parts.append("NOT NULL")
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    elif column.default is not None:
        parts.append(f"DEFAULT ({column.default})")
    return " ".join(part for part in parts if part)


def _foreign_key(key: ForeignKey) -> str:
    text = (
        f"CONSTRAINT {quote(key.name)} FOREIGN KEY ({quote_all(key.columns)})"
        f" REFERENCES {quote(key.parent.name)} ({quote_all(key.parent_columns)})"
        f" ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
    )
    if key.deferrable:
        text += " DEFERRABLE INITIALLY " + ("DEFERRED" if key.initially_deferred else "IMMEDIATE")
    return text

"""A MariaDB or MySQL database's schema, put together from its catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dbclone.dialects.base import quote
from dbclone.dialects.mysql_catalogue import (
    Catalogue,
    ColumnRow,
    Definition,
    IndexPart,
    ReferencePart,
    backticked,
    without_database,
)
from dbclone.dialects.mysql_session import Session, reading
from dbclone.dialects.mysql_storage import refine
from dbclone.dialects.mysql_types import sql_type
from dbclone.findings import Finding, Severity
from dbclone.schema import Check, Column, ForeignKey, Index, Key, Omission, Schema, Statement, Table, TableName

_PRIMARY = "PRIMARY"
_ROW_END = "ROW END"
_TABLES = ("BASE TABLE", "SYSTEM VERSIONED")
_SNAPSHOT_ENGINES = ("InnoDB", "ROCKSDB", "TokuDB", None)
_JSON_CHECK = re.compile(r"\Ajson_valid\(`((?:[^`]|``)*)`\)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Reflection:
    schema: Schema
    row_counts: dict[TableName, int]
    findings: tuple[Finding, ...]


def reflect(catalogue: Catalogue, session: Session) -> Reflection:
    """The schema of all tables of the session's database; ``session`` is asked what their columns hold."""
    tables, counts = [], {}
    for row in catalogue.tables:
        if row.kind in _TABLES:
            table = _table(catalogue, row.name)
            with reading(f"table {table.name}"):
                rows, columns = refine(session, row.name, table.columns)
            counts[table.name] = rows
            ddl = _without_references(catalogue.create[row.name])
            # Rows put the number behind themselves; where there are none, it stays where it is.
            tables.append(replace(table, columns=columns, ddl=_without_number(ddl) if rows else ddl))
    later = [statement_of(d) for d in catalogue.definitions if d.kind != "TRIGGER" and d.text]
    schema = Schema(
        "mysql",
        tuple(tables),
        preamble=tuple(_sequences(catalogue)),
        epilogue=tuple(later),
        omissions=tuple(_omissions(catalogue)),
    )
    return Reflection(schema, counts, tuple(_findings(catalogue, schema)))


def _table(catalogue: Catalogue, name: str) -> Table:
    rows = catalogue.columns.get(name, [])
    # The server adds the end of a row's time to the keys of a table with history; today's rows all have the same.
    ends = {row.name for row in rows if row.expression == _ROW_END}
    parts = [part for part in catalogue.indexes.get(name, []) if part.column not in ends]
    names = dict.fromkeys(part.index for part in parts)
    indexes = {index: [part for part in parts if part.index == index] for index in names}
    checks = catalogue.checks.get(name, [])
    json = {found[1].replace("``", "`") for check in checks if (found := _JSON_CHECK.match(check.condition))}
    primary = indexes.pop(_PRIMARY, None)
    return Table(
        name=TableName("", name),
        columns=tuple(_column(row, row.name in json) for row in rows),
        primary_key=_key(primary) if primary and _total(primary) else None,
        uniques=tuple(_key(found) for found in indexes.values() if found[0].unique and _total(found)),
        foreign_keys=tuple(_foreign_keys(catalogue, name)),
        checks=tuple(Check(c.name, c.condition) for c in checks if not _JSON_CHECK.match(c.condition)),
        indexes=tuple(map(_index, indexes.values())),
        suffix=_partitioning(catalogue.create[name]),
        completions=(
            *_drawn_defaults(catalogue, name),
            *(statement_of(d) for d in catalogue.definitions if d.kind == "TRIGGER" and d.table == name and d.text),
        ),
    )


def _drawn_defaults(catalogue: Catalogue, table: str) -> Iterator[Statement]:
    """Defaults that draw from a sequence: its name is stored with its database, which changes with the table's."""
    own = [found.name for found in catalogue.tables]
    for row in catalogue.columns.get(table, []):
        if "nextval(" in (row.default or "").lower():
            default = without_database(row.default or "", catalogue.database, own)
            sql = f"ALTER TABLE {backticked(table)} ALTER COLUMN {backticked(row.name)} SET DEFAULT {default}"
            yield Statement("default", f"{row.name} on {table}", sql)


def _column(row: ColumnRow, holds_json: bool) -> Column:
    generated = row.expression if "generated" in row.extra and "default_generated" not in row.extra else None
    if "auto_increment" in row.extra:
        identity: str | None = "by default"
    else:
        identity = None
    absent = row.default is None or row.default.upper() == "NULL"
    return Column(
        name=row.name,
        type=sql_type(row, holds_json),
        nullable=row.nullable,
        default=None if absent or generated is not None else row.default,
        generated=generated,
        identity=identity,
        collation=row.collation,
    )


def _total(parts: list[IndexPart]) -> bool:
    """Whether an index is over whole columns only."""
    return all(part.column is not None and part.prefix is None for part in parts)


def _key(parts: list[IndexPart]) -> Key:
    return Key(parts[0].index, tuple(part.column for part in parts if part.column))


def _index(parts: list[IndexPart]) -> Index:
    """An index that is not the primary key; of a prefix or an expression it knows what it is over."""
    first = parts[0]
    kind = f"{first.kind} " if first.kind in ("FULLTEXT", "SPATIAL") else "UNIQUE " if first.unique else ""
    items, written = [], []
    for part in parts:
        name = part.column or ""
        items.append(f"left({backticked(name)}, {part.prefix})" if part.prefix else backticked(name))
        prefix = f"({part.prefix})" if part.prefix else ""
        written.append(f"{quote(name)}{prefix}{' DESC' * part.descending}")
    ddl = f"CREATE {kind}INDEX {quote(first.index)} ON {quote(first.table)} ({', '.join(written)})"
    special = first.unique and not _total(parts) and all(part.column for part in parts)
    columns = tuple(part.column for part in parts if part.column)
    return Index(first.index, columns, first.unique, ddl, tuple(items) if special else ())


def _foreign_keys(catalogue: Catalogue, table: str) -> Iterator[ForeignKey]:
    parts = catalogue.references.get(table, [])
    for name in dict.fromkeys(part.name for part in parts):
        of_key = [part for part in parts if part.name == name]
        if _within(catalogue, of_key[0]):
            yield ForeignKey(
                name,
                tuple(part.column for part in of_key),
                TableName("", of_key[0].parent),
                tuple(part.parent_column for part in of_key),
                on_delete=of_key[0].on_delete,
                on_update=of_key[0].on_update,
            )


def _within(catalogue: Catalogue, part: ReferencePart) -> bool:
    """Whether a reference's parent is in the database, and is there at all: without checks it may be missing."""
    return part.parent_schema.lower() == catalogue.database.lower() and part.parent in catalogue.create


_REFERENCE = re.compile(r",?\n  CONSTRAINT `(?:[^`]|``)*` FOREIGN KEY [^\n]*?(?=,?\n)")
_WITHOUT_OVERLAPS = re.compile(r"UNIQUE KEY `((?:[^`]|``)*)` \([^\n]* WITHOUT OVERLAPS\)")
_NUMBER = re.compile(r" AUTO_INCREMENT=\d+(?=[ \n]|$)")


def _without_references(ddl: str) -> str:
    """CREATE TABLE without foreign keys, which follow the load."""
    return _REFERENCE.sub("", ddl)


def _without_number(ddl: str) -> str:
    """CREATE TABLE without the position of AUTO_INCREMENT."""
    head, closing, tail = ddl.partition("\n)")
    return head + closing + _NUMBER.sub("", tail, count=1)


def _partitioning(ddl: str) -> str:
    found = re.search(r"^ ?PARTITION BY .*", ddl.partition("\n)")[2], re.MULTILINE | re.DOTALL)
    return found.group().strip() if found else ""


def _sequences(catalogue: Catalogue) -> Iterator[Statement]:
    for table in catalogue.tables:
        if table.kind == "SEQUENCE":
            yield Statement("sequence", table.name, catalogue.create[table.name])
            position = f"SELECT setval({backticked(table.name)}, {catalogue.positions[table.name]}, 0)"
            yield Statement("sequence", table.name, position)


def statement_of(definition: Definition) -> Statement:
    """A view, trigger, routine or event as what recreates it."""
    name = f"{definition.name} on {definition.table}" if definition.table else definition.name
    return Statement(definition.kind.lower(), name, definition.text)


def _omissions(catalogue: Catalogue) -> Iterator[Omission]:
    """What is not recreated, and why."""
    for table in catalogue.tables:
        if table.kind == "SYSTEM VERSIONED":
            yield Omission("history", table.name, "only the rows of today are read")
        parts = catalogue.references.get(table.name, [])
        for name in dict.fromkeys(part.name for part in parts if not _within(catalogue, part)):
            yield Omission("foreign key", f"{name} on {table.name}", "it leads out of the database or to no table")
    for definition in catalogue.definitions:
        if not definition.text:
            statement = statement_of(definition)
            yield Omission(statement.kind, statement.name, "this user may not see its text")


def _findings(catalogue: Catalogue, schema: Schema) -> Iterator[Finding]:
    """What is not recreated, or was not read in the snapshot, said aloud."""
    for omission in schema.omissions:
        subject = f"{omission.kind} {omission.name}"
        message = f"The {subject} is not copied: {omission.reason}."
        yield Finding(Severity.WARNING, "not-copied", None, (), message, subject=subject)
    for name, text in catalogue.create.items():
        for index in _WITHOUT_OVERLAPS.findall(text):
            message = f"The key {index} forbids periods to overlap: rows are drawn like others and proven at the end."
            subject = f"unique key {index} on {name}"
            yield Finding(Severity.NOTE, "unclear-index", TableName("", name), (), message, subject=subject)
    for table in catalogue.tables:
        if table.kind in _TABLES and table.engine not in _SNAPSHOT_ENGINES:
            message = f"Tables of engine {table.engine} have no snapshot: rows written while it is read may be missing."
            yield Finding(Severity.WARNING, "no-snapshot", TableName("", table.name), (), message)

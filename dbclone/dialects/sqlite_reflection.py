"""A SQLite file's schema: from the pragmas, completed by the text of its statements and by what the columns hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dbclone.dialects.base import constraint_name
from dbclone.dialects.sqlite_ddl import TableText, read_index, read_table
from dbclone.dialects.sqlite_storage import refine
from dbclone.dialects.sqlite_types import declared_type
from dbclone.findings import Finding, Severity
from dbclone.schema import Check, Column, ForeignKey, Index, Key, Omission, Schema, Statement, Table, TableName


@dataclass(frozen=True)
class Reflection:
    schema: Schema
    row_counts: dict[TableName, int]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _RawIndex:
    name: str
    unique: bool
    origin: str
    partial: bool
    columns: tuple[str | None, ...]
    """None stands for an expression."""
    collations: tuple[str, ...]


def reflect(connection: sqlite3.Connection) -> Reflection:
    """The schema of all ordinary tables; virtual ones, with their shadow tables, are reported and left out."""
    findings: list[Finding] = []
    tables: list[Table] = []
    counts: dict[TableName, int] = {}
    kinds = _table_kinds(connection)
    for name, sql in _statements(connection, "table"):
        if kinds.get(name) not in ("table", None):
            if kinds[name] == "virtual":
                findings.append(_virtual(name))
            continue
        raw = _table(connection, name, sql)
        keyed = {c for key in raw.keys for c in key.columns} | {c for key in raw.foreign_keys for c in key.columns}
        rows, columns, found = refine(connection, raw.name, raw.columns, keyed)
        counts[raw.name] = rows
        tables.append(replace(raw, columns=columns))
        findings += found
    resolved, dangling = _resolve(tables)
    omissions = [_omission(finding) for finding in (*findings, *dangling) if finding.subject]
    later = [Statement(kind, name, sql) for kind in ("view", "trigger") for name, sql in _statements(connection, kind)]
    schema = Schema("sqlite", resolved, tuple(_versions(connection)), tuple(later), tuple(omissions))
    return Reflection(schema, counts, (*findings, *dangling))


def _versions(connection: sqlite3.Connection) -> Iterator[Statement]:
    """The numbers by which applications recognise their file and its state of migration."""
    for name in ("user_version", "application_id"):
        number = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if number:
            yield Statement("setting", name, f"PRAGMA {name} = {number}")


def _statements(connection: sqlite3.Connection, kind: str) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND sql IS NOT NULL ORDER BY rowid",
        (kind,),
    ).fetchall()


def _table_kinds(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").fetchall())


def _table(connection: sqlite3.Connection, name: str, sql: str) -> Table:
    text = read_table(sql)
    indexes = list(_raw_indexes(connection, name))
    info = connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid', (name,)
    ).fetchall()
    key = [row[0] for row in sorted((row for row in info if row[4]), key=lambda row: row[4])]
    rowid = _rowid_alias(info, key, indexes)
    columns = tuple(_column(row, text, rowid) for row in info if row[5] != 1)
    return Table(
        name=TableName("", name),
        columns=columns,
        primary_key=Key(text.primary_key or constraint_name(name, (), "pkey"), tuple(key)) if key else None,
        uniques=tuple(_uniques(name, indexes, text)),
        foreign_keys=tuple(_foreign_keys(connection, name, text)),
        checks=tuple(
            Check(check.name or constraint_name(name, (), f"check{at}"), check.expression)
            for at, check in enumerate(text.checks, 1)
        ),
        indexes=tuple(_indexes(connection, indexes)),
        ddl=sql,
        suffix=text.suffix,
    )


def _column(row: Sequence[object], text: TableText, rowid: str | None) -> Column:
    name, declared, not_null, default, key, hidden = row
    lower = str(name).lower()
    return Column(
        name=str(name),
        type=declared_type(str(declared or "")),
        nullable=not (not_null or key),
        default=None if default is None or hidden else str(default),
        generated=text.generated.get(lower, "NULL") if hidden in (2, 3) else None,
        identity="rowid" if name == rowid else None,
        collation=text.collations.get(lower),
    )


def _rowid_alias(info: Sequence[Sequence[object]], key: list[str], indexes: list[_RawIndex]) -> str | None:
    """The column that is the table's rowid: a single INTEGER key that needs no index of its own."""
    if len(key) != 1 or any(index.origin == "pk" for index in indexes):
        return None
    declared = next(str(row[1]) for row in info if row[0] == key[0])
    return key[0] if declared.upper() == "INTEGER" else None


def _raw_indexes(connection: sqlite3.Connection, table: str) -> Iterator[_RawIndex]:
    listed = connection.execute(
        'SELECT name, "unique", origin, partial FROM pragma_index_list(?) ORDER BY seq DESC', (table,)
    ).fetchall()
    for name, unique, origin, partial in listed:
        info = connection.execute(
            "SELECT name, cid, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", (name,)
        ).fetchall()
        columns, collations = tuple(c if cid >= 0 else None for c, cid, _ in info), tuple(str(row[2]) for row in info)
        yield _RawIndex(name, bool(unique), origin, bool(partial), columns, collations)


def _uniques(table: str, indexes: list[_RawIndex], text: TableText) -> Iterator[Key]:
    """UNIQUE constraints, and unique indexes that cover every row and only plain columns."""
    names = iter(text.uniques)
    for index in indexes:
        columns = tuple(column for column in index.columns if column is not None)
        if index.origin == "u":
            yield Key(next(names, "") or constraint_name(table, columns, "key"), columns)
        elif index.origin == "c" and index.unique and not index.partial and len(columns) == len(index.columns):
            yield Key(index.name, columns)


def _indexes(connection: sqlite3.Connection, indexes: list[_RawIndex]) -> Iterator[Index]:
    for index in indexes:
        if index.origin == "c":
            sql = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (index.name,))
            columns = tuple(column for column in index.columns if column is not None)
            ddl = str(sql.fetchone()[0])
            items, condition = read_index(ddl)
            compared = tuple(map(_as_compared, items, index.collations)) if len(items) == len(index.columns) else ()
            yield Index(index.name, columns, index.unique, ddl, compared, condition)


def _as_compared(item: str, collation: str) -> str:
    """An element of an index as the expression whose equal values the index takes for equal."""
    functions = {"NOCASE": "lower", "RTRIM": "rtrim"}
    return f"{functions[collation.upper()]}({item})" if collation.upper() in functions else item


def _foreign_keys(connection: sqlite3.Connection, table: str, text: TableText) -> Iterator[ForeignKey]:
    """Foreign keys in the order written; ``_resolve`` completes parents' names and columns."""
    rows = connection.execute(
        'SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq',
        (table,),
    ).fetchall()
    for position, number in enumerate(dict.fromkeys(row[0] for row in rows)):
        parts = [row for row in rows if row[0] == number]
        columns = tuple(str(row[2]) for row in parts)
        written = text.references[position] if position < len(text.references) else None
        yield ForeignKey(
            name=(written.name if written else "") or constraint_name(table, columns, "fkey"),
            columns=columns,
            parent=TableName("", str(parts[0][1])),
            parent_columns=tuple(str(row[3]) for row in parts if row[3] is not None),
            on_delete=str(parts[0][5]),
            on_update=str(parts[0][4]),
            deferrable=bool(written and written.deferrable),
            initially_deferred=bool(written and written.initially_deferred),
        )


def _resolve(tables: Sequence[Table]) -> tuple[tuple[Table, ...], list[Finding]]:
    """Each foreign key with its parent's true name and columns; those that lead nowhere are dropped and reported."""
    by_name = {table.name.name.lower(): table for table in tables}
    resolved, findings = [], []
    for table in tables:
        kept = []
        for key in table.foreign_keys:
            found = _resolved(key, table, by_name.get(key.parent.name.lower()))
            if found is None:
                findings.append(_dangling(table, key))
            else:
                kept.append(found)
        resolved.append(replace(table, foreign_keys=tuple(kept)))
    return tuple(resolved), findings


def _virtual(name: str) -> Finding:
    message = "A virtual table, with the tables behind it, is not copied."
    return Finding(Severity.WARNING, "not-copied", TableName("", name), (), message, subject=f"table {name}")


def _dangling(table: Table, key: ForeignKey) -> Finding:
    message = f"A foreign key to {key.parent.name} leads to no such table or key: it is left out."
    subject = f"foreign key {key.name} on {table.name}"
    return Finding(Severity.WARNING, "dangling-key", table.name, key.columns, message, subject=subject)


def _omission(finding: Finding) -> Omission:
    kind = "table" if finding.code == "not-copied" else "foreign key"
    return Omission(kind, finding.subject.removeprefix(f"{kind} "), finding.message.rstrip("."))


def _resolved(key: ForeignKey, child: Table, parent: Table | None) -> ForeignKey | None:
    if parent is None:
        return None
    wanted = key.parent_columns or (parent.primary_key.columns if parent.primary_key else ())
    names = {column.name.lower(): column.name for column in parent.columns}
    own = {column.name.lower(): column.name for column in child.columns}
    if len(wanted) != len(key.columns) or any(column.lower() not in names for column in wanted):
        return None
    return replace(
        key,
        columns=tuple(own[column.lower()] for column in key.columns),
        parent=parent.name,
        parent_columns=tuple(names[column.lower()] for column in wanted),
    )

"""A small database as plain values: its data filled in by construction, its DDL, its loading, and an independent check.

Nothing here uses dbclone's own reading, writing or checking: it is what these are measured against.
"""

import datetime as dt
import json
import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from dbclone.schema import Column, ForeignKey, Key, Schema, Table, TableName, TypeFamily
from tests import mariadb_server

Value = object
Row = dict[str, Value]
Rows = Mapping[TableName, Sequence[Row]]


@dataclass(frozen=True)
class Flavour:
    """How the values of a column are spread: ``distinct`` different ones, a share of NULLs where NULL is allowed."""

    distinct: int
    nulls: float


@dataclass(frozen=True)
class Database:
    schema: Schema
    rows: Rows

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How Hypothesis shows a failing example: the SQL that makes it."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        counts = {str(name): len(rows) for name, rows in self.rows.items()}
        return "\n".join([*create_statements(self.schema), *foreign_key_statements(self.schema), f"rows: {counts}"])


# --- data ------------------------------------------------------------------------------------------------------------


WORDS = ("alpha", "Béta", "it's", 'say "hi"', "100%", "back\\slash", "tab\tbed", "a\nb", "", "NULL", "日本", "a,b;c")


def _decimal(column: Column, i: int) -> str:
    digits = str(i * 37 + 5).zfill((column.type.scale or 0) + 1)
    return digits if not column.type.scale else f"{digits[: -column.type.scale]}.{digits[-column.type.scale :]}"


def _text(column: Column, i: int) -> str:
    text = WORDS[i % len(WORDS)] + (f"-{i // len(WORDS)}" if i >= len(WORDS) else "")
    return text[: column.type.length] if len(text) <= (column.type.length or 99) else str(i)[: column.type.length]


def _integer(column: Column, i: int) -> int:
    return (i * 7919 - 20_000) if column.type.precision == 64 else i * 13 - 5


MAKERS: dict[TypeFamily, Callable[[Column, int], Value]] = {
    TypeFamily.BOOLEAN: lambda _, i: bool(i % 2),
    TypeFamily.INTEGER: _integer,
    TypeFamily.DECIMAL: _decimal,
    TypeFamily.FLOAT: lambda _, i: i * 1.25 - 3 + (1e-7 if i % 3 else 0),
    TypeFamily.TEXT: _text,
    TypeFamily.ENUM: lambda column, i: column.type.values[i % len(column.type.values)],
    TypeFamily.DATE: lambda _, i: str(dt.date(1999, 12, 30) + dt.timedelta(days=i * 11)),
    TypeFamily.TIME: lambda _, i: f"{i % 24:02}:{i * 7 % 60:02}:{i * 13 % 60:02}",
    TypeFamily.TIMESTAMP: lambda _, i: str(dt.datetime(2020, 2, 28, 23, 0) + dt.timedelta(minutes=i * 331)),
    TypeFamily.INTERVAL: lambda _, i: f"{i} days 03:00:00",
    TypeFamily.UUID: lambda _, i: str(uuid.UUID(int=(i + 1) * 0x1234567890ABCDEF1234567, version=4)),
    TypeFamily.JSON: lambda _, i: json.dumps({"n": i, "tags": ["a'b", None][: i % 3]}),
    TypeFamily.BYTES: lambda _, i: bytes([i % 256, 0, 255 - i % 256]),
    TypeFamily.ARRAY: lambda _, i: f"{{{i},NULL,{i + 1}}}",
    TypeFamily.OPAQUE: lambda _, i: f"10.0.{i % 250}.1",
}


Flavours = Mapping[tuple[TableName, str], Flavour]


def fill(schema: Schema, counts: Mapping[TableName, int], flavours: Flavours, seed: int) -> Rows:
    """Rows that hold every key, reference and NOT NULL of the schema; at most ``counts`` of them per table."""
    rng = random.Random(seed)
    rows: dict[TableName, list[Row]] = {}
    for table in schema.tables:
        early = [fk for fk in table.foreign_keys if fk.parent in rows]
        drawn = [_row(table, i, flavours, rng) for i in range(counts[table.name])]
        rows[table.name] = [row for row in drawn if all(_refer(table, fk, row, rows[fk.parent], rng) for fk in early)]
        _drop_repeats(table, rows[table.name])
    _close_cycles(schema, rows, rng)
    _prune(schema, rows)
    return rows


def _row(table: Table, i: int, flavours: Flavours, rng: random.Random) -> Row:
    referring = {c for fk in table.foreign_keys for c in fk.columns}
    row: Row = {}
    for column in table.columns:
        flavour = flavours[table.name, column.name]
        number = i if flavour.distinct == 0 else rng.randrange(flavour.distinct)
        null = column.name in referring or (column.nullable and rng.random() < flavour.nulls)
        row[column.name] = None if null else MAKERS[column.type.family](column, number)
    return row


def _refer(table: Table, fk: ForeignKey, row: Row, parents: Sequence[Row], rng: random.Random) -> bool:
    """Let the row refer to a parent that agrees with what its shared columns say; False if it must but cannot."""
    pairs = list(zip(fk.columns, fk.parent_columns, strict=True))
    fitting = [p for p in parents if all(p[b] is not None and row[a] in (None, p[b]) for a, b in pairs)]
    optional = any(table.column(c).nullable for c in fk.columns)
    if fitting and not (optional and rng.random() < 0.2):
        chosen = rng.choice(fitting)
        row.update({a: chosen[b] for a, b in pairs})
        return True
    return optional


def _drop_repeats(table: Table, rows: list[Row]) -> None:
    for key in table.keys:
        seen: set[tuple[Value, ...]] = set()
        kept = []
        for row in rows:
            value = tuple(row[c] for c in key.columns)
            if None in value or value not in seen:
                kept.append(row)
                seen.add(value)
        rows[:] = kept


def _close_cycles(schema: Schema, rows: dict[TableName, list[Row]], rng: random.Random) -> None:
    """References to tables that come later, and of rows to rows of their own table."""
    position = {table.name: i for i, table in enumerate(schema.tables)}
    for table in schema.tables:
        for fk in (fk for fk in table.foreign_keys if position[fk.parent] >= position[table.name]):
            for row in rows[table.name]:
                before = dict(row)
                _refer(table, fk, row, rows[fk.parent], rng)
                if any(_repeats(rows[table.name], key) for key in table.keys):
                    row.update(before)


def _prune(schema: Schema, rows: dict[TableName, list[Row]]) -> None:
    """Take out what cannot stay, with what depends on it, until all is consistent."""
    while True:
        before = sum(map(len, rows.values()))
        for table in schema.tables:
            _drop_repeats(table, rows[table.name])
            required = [c.name for c in table.columns if not c.nullable]
            keep = [r for r in rows[table.name] if all(r[c] is not None for c in required)]
            for fk in table.foreign_keys:
                parents = keep if fk.parent == table.name else rows[fk.parent]
                there = {tuple(p[c] for c in fk.parent_columns) for p in parents}
                keep = [r for r in keep if _null(r, fk.columns) or tuple(r[c] for c in fk.columns) in there]
            rows[table.name] = keep
        if sum(map(len, rows.values())) == before:
            return


# --- the independent check -------------------------------------------------------------------------------------------


def _null(row: Row, columns: Iterable[str]) -> bool:
    return any(row[c] is None for c in columns)


def _repeats(rows: Sequence[Row], key: Key) -> int:
    values = Counter(tuple(r[c] for c in key.columns) for r in rows if not _null(r, key.columns))
    return sum(n - 1 for n in values.values())


def violations(schema: Schema, rows: Rows) -> list[str]:
    """One line for each constraint that the rows break (SQL's rules: NULLs are distinct, references MATCH SIMPLE)."""
    found = []
    for table in schema.tables:
        mine = rows[table.name]
        for column in table.columns:
            if not column.nullable and _null_count(mine, column.name):
                found.append(f"{table.name}.{column.name}: NULL")
            if column.type.length and any(len(str(r[column.name] or "")) > column.type.length for r in mine):
                found.append(f"{table.name}.{column.name}: too long")
            if column.type.values and {r[column.name] for r in mine} - {None, *column.type.values}:
                found.append(f"{table.name}.{column.name}: not a label")
        found += [f"{table.name}{key.columns}: {n} repeats" for key in table.keys if (n := _repeats(mine, key))]
        if table.primary_key and any(_null(r, table.primary_key.columns) for r in mine):
            found.append(f"{table.name}: NULL in the primary key")
        for fk in table.foreign_keys:
            there = {tuple(p[c] for c in fk.parent_columns) for p in rows[fk.parent]}
            lost = [r for r in mine if not _null(r, fk.columns) and tuple(r[c] for c in fk.columns) not in there]
            if lost:
                found.append(f"{table.name}{fk.columns} -> {fk.parent}: {len(lost)} orphans")
    return found


def _null_count(rows: Sequence[Row], column: str) -> int:
    return sum(r[column] is None for r in rows)


def strange_sizes(database: Database, made: Rows) -> list[str]:
    """Tables whose size is not that of the source, give or take what tiny tables may vary."""
    pairs = [(str(name), len(rows), len(made[name])) for name, rows in database.rows.items()]
    return [f"{name}: {n} rows became {m}" for name, n, m in pairs if not sensible(n, m)]


def sensible(real: int, made: int) -> bool:
    return made == 0 if real == 0 else real / 2 - 3 <= made <= 2 * real + 3


# --- SQL -------------------------------------------------------------------------------------------------------------


def quoted(*names: str) -> str:
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)


def _column_ddl(table: Table, column: Column, dialect: str) -> str:
    identity = {"always": "GENERATED ALWAYS AS IDENTITY", "by default": "GENERATED BY DEFAULT AS IDENTITY"}
    parts = [quoted(column.name), column.type.sql]
    if column.identity == "rowid":
        parts.append("PRIMARY KEY")
    elif column.identity and dialect == "postgresql":
        parts.append(identity[column.identity])
    elif column.identity:
        parts.append("AUTO_INCREMENT")
    if not column.nullable and column.identity != "rowid":
        parts.append("NOT NULL")
    if dialect == "sqlite" and column.type.values:
        labels = ", ".join("'" + label.replace("'", "''") + "'" for label in column.type.values)
        parts.append(f"CHECK ({quoted(column.name)} IN ({labels}))")
    return " ".join(parts)


def _reference_ddl(fk: ForeignKey) -> str:
    return (
        f"FOREIGN KEY ({quoted(*fk.columns)}) REFERENCES {quoted(fk.parent.name)} ({quoted(*fk.parent_columns)})"
        + (" DEFERRABLE INITIALLY DEFERRED" if fk.deferrable else "")
    )  # fmt: skip


def create_statements(schema: Schema) -> list[str]:
    """CREATE TABLE for every table; on SQLite with the foreign keys inside."""
    statements = [statement.sql for statement in schema.preamble]
    for table in schema.tables:
        parts = [_column_ddl(table, column, schema.dialect) for column in table.columns]
        if table.primary_key and not any(c.identity == "rowid" for c in table.columns):
            parts.append(f"PRIMARY KEY ({quoted(*table.primary_key.columns)})")
        parts += [f"UNIQUE ({quoted(*key.columns)})" for key in table.uniques]
        if schema.dialect == "sqlite":
            parts += [_reference_ddl(fk) for fk in table.foreign_keys]
        statements.append(f"CREATE TABLE {quoted(table.name.name)} (\n  " + ",\n  ".join(parts) + "\n)")
    return statements


def foreign_key_statements(schema: Schema) -> list[str]:
    """The foreign keys where they are added after the load."""
    if schema.dialect == "sqlite":
        return []
    every = [(table, fk) for table in schema.tables for fk in table.foreign_keys]
    return [f"ALTER TABLE {quoted(table.name.name)} ADD {_reference_ddl(fk)}" for table, fk in every]


def build_sqlite(database: Database, path: Path) -> None:
    """Write the database to a new file; raises if the data break its constraints."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        for statement in create_statements(database.schema):
            connection.execute(statement)
        for table in database.schema.tables:
            names = [c.name for c in table.columns]
            insert = f"INSERT INTO {quoted(table.name.name)} ({quoted(*names)}) VALUES ({', '.join('?' * len(names))})"
            connection.executemany(insert, [tuple(r[c] for c in names) for r in database.rows[table.name]])
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    assert not orphans


def build_postgres(database: Database, url: str) -> None:
    """Write the database into the emptied public schema; the server proves the constraints."""
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        for statement in create_statements(database.schema):
            connection.execute(statement)
        for table in database.schema.tables:
            _insert_postgres(connection, table, database.rows[table.name])
        for statement in foreign_key_statements(database.schema):
            connection.execute(statement)


def _insert_postgres(connection: psycopg.Connection, table: Table, rows: Sequence[Row]) -> None:
    places = ", ".join(f"%s::{c.type.sql}".replace("serial", "integer") for c in table.columns)
    names = quoted(*(c.name for c in table.columns)).replace("%", "%%")
    overriding = "OVERRIDING SYSTEM VALUE" if any(c.identity == "always" for c in table.columns) else ""
    insert = f"INSERT INTO {quoted(table.name.name).replace('%', '%%')} ({names}) {overriding} VALUES ({places})"
    values = [tuple(v if isinstance(v, bytes) or v is None else str(v) for v in r.values()) for r in rows]
    with connection.cursor() as cursor:
        cursor.executemany(insert, values)


def build_mariadb(database: Database, url: str) -> None:
    """Write the database in place of the one of the URL; the server proves the constraints."""
    name = url.rpartition("/")[2]
    mariadb_server.run(url, f"DROP DATABASE {name}", f"CREATE DATABASE {name} COLLATE utf8mb4_nopad_bin")
    connection = mariadb_server.connect(url)
    with connection, connection.cursor() as cursor:
        for statement in create_statements(database.schema):
            cursor.execute(statement)
        for table in database.schema.tables:
            names = quoted(*(c.name for c in table.columns)).replace("%", "%%")
            places = ", ".join(["%s"] * len(table.columns))
            insert = f"INSERT INTO {quoted(table.name.name).replace('%', '%%')} ({names}) VALUES ({places})"
            for row in database.rows[table.name]:
                cursor.execute(insert, list(row.values()))
        for statement in foreign_key_statements(database.schema):
            cursor.execute(statement)


def read_sqlite(schema: Schema, path: Path) -> Rows:
    """Every row of every table, and SQLite's own verdict on references and structure."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    rows = {}
    for table in schema.tables:
        names = [c.name for c in table.columns]
        cursor = connection.execute(f"SELECT {quoted(*names)} FROM {quoted(table.name.name)}")
        rows[table.name] = [dict(zip(names, values, strict=True)) for values in cursor]
    connection.close()
    return rows


def read_postgres(schema: Schema, url: str) -> Rows:
    """Every row of every table, as text (equal values have equal text within a column)."""
    rows = {}
    with psycopg.connect(url) as connection:
        for table in schema.tables:
            names = [c.name for c in table.columns]
            columns = ", ".join(f"{quoted(name)}::text" for name in names)
            cursor = connection.execute(f"SELECT {columns} FROM {quoted(table.name.name)}")
            rows[table.name] = [dict(zip(names, values, strict=True)) for values in cursor]
    return rows


def constraint_counts(url: str) -> list[tuple[str, str, int]]:
    """(table, kind of constraint, number) in a PostgreSQL database: what must be the same in source and target."""
    query = """SELECT conrelid::regclass::text, contype::text, count(*)::int FROM pg_constraint
               WHERE connamespace = 'public'::regnamespace GROUP BY 1, 2 ORDER BY 1, 2"""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()

"""A small database as plain values: its data filled in by construction, its DDL, its loading, and an independent check.

Nothing here uses dbclone's own reading, writing or checking: it is what these are measured against.
"""

import datetime as dt
import json
import random
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dbclone.schema import Column, ForeignKey, Key, Schema, SqlType, Table, TableName, TypeFamily
from tests import mariadb_proofs, mariadb_server
from tests.random_rules import Distinct, Extras, Row, Value, quoted

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
    extras: Mapping[TableName, Extras] = field(default_factory=dict)

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
    if column.type.sql == "year":
        return 1995 + i % 60
    least = 0 if column.type.unsigned else -5
    return (i * 7919 - 20_000) if column.type.precision == 64 else i * 13 + least


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
    TypeFamily.OPAQUE: lambda column, i: _opaque(column.type, i),
}


def _opaque(kind: SqlType, i: int) -> str:
    if kind.sql.startswith("set("):
        return ",".join(label for bit, label in enumerate(("red", "it's", "two words")) if i >> bit & 1)
    return _span(i) if kind.sql == "int4range" else f"10.0.{i % 250}.1"


def _span(i: int) -> str:
    """Ranges that do not overlap."""
    return f"[{i * 10},{i * 10 + 1 + i % 9})"


Flavours = Mapping[tuple[TableName, str], Flavour]


def fill(
    schema: Schema, counts: Mapping[TableName, int], flavours: Flavours, seed: int,
    extras: Mapping[TableName, Extras] | None = None,
) -> Rows:  # fmt: skip
    """Rows that hold every key, reference, NOT NULL and rule of the schema; at most ``counts`` of them per table."""
    rng, extras = random.Random(seed), extras or {}
    rows: dict[TableName, list[Row]] = {}
    for table in schema.tables:
        early = [fk for fk in table.foreign_keys if fk.parent in rows]
        own = extras.get(table.name, Extras())
        drawn = [own.mended(_row(table, i, flavours, rng)) for i in range(counts[table.name])]
        rows[table.name] = [row for row in drawn if all(_refer(table, fk, row, rows[fk.parent], rng) for fk in early)]
        _drop_repeats(table, rows[table.name])
    _close_cycles(schema, rows, rng)
    _prune(schema, rows, extras)
    return rows


def _row(table: Table, i: int, flavours: Flavours, rng: random.Random) -> Row:
    referring = {c for fk in table.foreign_keys for c in fk.columns}
    row: Row = {}
    for column in table.insertable:
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
        again = set(Distinct(key.columns, nulls_distinct=key.nulls_distinct).repeats(rows))
        rows[:] = [row for at, row in enumerate(rows) if at not in again]


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


def _prune(schema: Schema, rows: dict[TableName, list[Row]], extras: Mapping[TableName, Extras]) -> None:
    """Take out what cannot stay, with what depends on it, until all is consistent."""
    while True:
        before = sum(map(len, rows.values()))
        for table in schema.tables:
            _drop_repeats(table, rows[table.name])
            required = [c.name for c in table.columns if not c.nullable]
            kept = extras.get(table.name, Extras()).kept(rows[table.name])
            keep = [r for r in kept if all(r[c] is not None for c in required)]
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
    return len(Distinct(key.columns, nulls_distinct=key.nulls_distinct).repeats(rows))


def violations(schema: Schema, rows: Rows) -> list[str]:
    """One line for each constraint that the rows break (SQL's rules: NULLs are distinct, references MATCH SIMPLE)."""
    found = []
    for table in schema.tables:
        mine = rows[table.name]
        for column in table.columns:
            if not column.nullable and _null_count(mine, column.name):
                found.append(f"{table.name}.{column.name}: NULL")
            if column.type.length and any(_length(r[column.name]) > column.type.length for r in mine):
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


def _length(value: Value) -> int:
    return len(value if isinstance(value, bytes) else str(value or ""))


def _null_count(rows: Sequence[Row], column: str) -> int:
    return sum(r[column] is None for r in rows)


def strange_sizes(database: Database, made: Rows) -> list[str]:
    """Tables whose size is not that of the source, give or take what tiny tables may vary."""
    pairs = [(str(name), len(rows), len(made[name])) for name, rows in database.rows.items()]
    return [f"{name}: {n} rows became {m}" for name, n, m in pairs if not sensible(n, m)]


def sensible(real: int, made: int) -> bool:
    return made == 0 if real == 0 else real / 2 - 3 <= made <= 2 * real + 3


# --- SQL -------------------------------------------------------------------------------------------------------------


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
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
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
    """CREATE TABLE for every table, with its partitions and indexes; on SQLite with the foreign keys inside."""
    statements = [statement.sql for statement in schema.preamble]
    for table in schema.tables:
        parts = [_column_ddl(table, column, schema.dialect) for column in table.columns]
        if table.primary_key and not any(c.identity == "rowid" for c in table.columns):
            parts.append(f"PRIMARY KEY ({quoted(*table.primary_key.columns)})")
        parts += [key.definition or f"UNIQUE ({quoted(*key.columns)})" for key in table.uniques]
        parts += [f"CONSTRAINT {quoted(check.name)} CHECK ({check.expression})" for check in table.checks]
        parts += [completion.sql for completion in table.completions]
        if schema.dialect == "sqlite":
            parts += [_reference_ddl(fk) for fk in table.foreign_keys]
        columns = ",\n  ".join(parts)
        statements.append(f"CREATE TABLE {quoted(table.name.name)} (\n  {columns}\n) {table.suffix}".strip())
        statements += [attachment.sql for attachment in table.attachments] + [index.ddl for index in table.indexes]
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
            names = [c.name for c in table.insertable]
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
    places = ", ".join(f"%s::{c.type.sql}".replace("serial", "integer") for c in table.insertable)
    names = quoted(*(c.name for c in table.insertable)).replace("%", "%%")
    overriding = "OVERRIDING SYSTEM VALUE" if any(c.identity == "always" for c in table.columns) else ""
    insert = f"INSERT INTO {quoted(table.name.name).replace('%', '%%')} ({names}) {overriding} VALUES ({places})"
    drawn = [[r[c.name] for c in table.insertable] for r in rows]
    values = [tuple(v if isinstance(v, bytes) or v is None else str(v) for v in r) for r in drawn]
    with connection.cursor() as cursor:
        cursor.executemany(insert, values)


def build_mariadb(database: Database, url: str) -> None:
    """Write the database in place of the one of the URL; the server proves the constraints."""
    name = url.rpartition("/")[2]
    mariadb_server.run(url, f"DROP DATABASE {name}", f"CREATE DATABASE {name} COLLATE utf8mb4_nopad_bin")
    connection = mariadb_server.connect(url)
    with connection, connection.cursor() as cursor:
        # In the conditions, as rules spell them, a backslash is one.
        cursor.execute("SET SESSION sql_mode = concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES')")
        for statement in create_statements(database.schema):
            cursor.execute(statement)
        for table in database.schema.tables:
            names = [c.name for c in table.insertable]
            places = ", ".join(["%s"] * len(names))
            into = f"{quoted(table.name.name)} ({quoted(*names)})".replace("%", "%%")
            for row in database.rows[table.name]:
                cursor.execute(f"INSERT INTO {into} VALUES ({places})", [row[name] for name in names])
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


def read_mariadb(schema: Schema, url: str) -> Rows:
    """Every row of every table, bytes as texts of as many characters."""
    rows = {}
    connection = mariadb_server.connect(url)
    with connection, connection.cursor() as cursor:
        for table in schema.tables:
            names = [c.name for c in table.columns]
            cursor.execute(f"SELECT {quoted(*names)} FROM {quoted(table.name.name)}")
            found = [[v.decode("latin1") if isinstance(v, bytes) else v for v in row] for row in cursor.fetchall()]
            rows[table.name] = [dict(zip(names, values, strict=True)) for values in found]
    return rows


def mariadb_shape(url: str) -> list[tuple[str, str]]:
    """(name, statement) of everything in a database; the order of indexes, which tells nothing, is left out."""
    found = mariadb_proofs.statements(url)
    return sorted((name, "\n".join(sorted(text.replace(",\n", "\n").split("\n")))) for (_, name), text in found.items())


_SHAPE = """
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) || CASE WHEN convalidated THEN '' ELSE '?' END
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT contypid::regtype::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid <> 0
UNION ALL SELECT tablename, regexp_replace(indexdef, ' INDEX .* ON ', ' ON ') FROM pg_indexes
WHERE schemaname = 'public'
UNION ALL SELECT a.attrelid::regclass::text, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
  || concat_ws(' ', '', a.attnotnull, a.attidentity, a.attgenerated) || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, attnum)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND attnum > 0
UNION ALL SELECT oid::regclass::text, pg_get_partkeydef(oid) || coalesce(pg_get_expr(relpartbound, oid), '')
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'p'
UNION ALL SELECT oid::regclass::text, pg_get_expr(relpartbound, oid)
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relispartition AND relkind = 'r'
ORDER BY 1, 2"""


def postgres_shape(url: str) -> list[tuple[str, str]]:
    """(table or domain, what it is made of): columns, constraints, indexes, partitions; the same in a clone.

    Casts and parentheses are left out: the server adds some to an expression that it parses a second time.
    """
    with psycopg.connect(url) as connection:
        found = connection.execute(_SHAPE).fetchall()
    return sorted((name, re.sub(r"::[a-z ]+(\(\d+\))?(\[\])?|[()]", "", text)) for name, text in found)


def sqlite_shape(path: Path) -> list[tuple[str, str]]:
    """(kind, statement) of everything in a SQLite file."""
    connection = sqlite3.connect(path)
    query = "SELECT type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1, 2"
    found = connection.execute(query).fetchall()
    connection.close()
    return found

"""Independent proof of a clone in PostgreSQL: from the server's own catalogue, with none of dbclone's code."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import psycopg

from tests.filler import Column, Connection, Filler, quote

_NAMES = (
    "ARRAY(SELECT attname::text FROM unnest(k.{keys}) WITH ORDINALITY AS u(n, place)"
    " JOIN pg_attribute a ON a.attrelid = k.{of} AND a.attnum = u.n ORDER BY place)"
)
_CONSTRAINTS = f"""
SELECT k.conname, k.contype::text, k.convalidated,
  CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || k.conrelid::regclass,
  CASE p.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || p.oid::regclass,
  {_NAMES.format(keys="conkey", of="conrelid")}, {_NAMES.format(keys="confkey", of="confrelid")},
  pg_get_expr(k.conbin, k.conrelid), k.conparentid = 0
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class p ON p.oid = k.confrelid
WHERE k.contype IN ('f', 'c', 'p', 'u') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_UNIQUES = """
SELECT CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || i.indrelid::regclass, i.indexrelid::regclass::text,
  (SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ') FROM generate_series(1, i.indnkeyatts) AS n),
  coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'), i.indnullsnotdistinct
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND c.relispopulated AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_REQUIRED = """
SELECT a.attrelid::regclass::text, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""

_DOMAINS = """
SELECT a.attrelid::regclass::text, a.attname, format_type(t.oid, -1), format_type(t.typbasetype, t.typtypmod)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE t.typtype = 'd' AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_EXCLUSIONS = f"""
SELECT k.conname, k.conrelid::regclass::text, {_NAMES.format(keys="conkey", of="conrelid")},
  ARRAY(SELECT oprname::text FROM unnest(k.conexclop) WITH ORDINALITY AS u(o, place)
    JOIN pg_operator p ON p.oid = u.o ORDER BY place),
  coalesce(pg_get_expr(i.indpred, i.indrelid), 'true')
FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid JOIN pg_namespace n ON n.oid = k.connamespace
WHERE k.contype = 'x' AND n.nspname !~ '^pg_'"""

_SESSION = r"SET |SELECT pg_catalog.set_config|COMMENT ON EXTENSION"
"""Statements of a dump that say nothing about the schema; comments on extensions are those of their versions."""


def violations(connection: Connection) -> list[str]:
    """Each constraint, unique index, domain and NOT NULL that some row breaks."""
    broken = (_broken_constraints, _broken_uniques, _broken_nulls, _broken_domains, _broken_exclusions)
    return [line for find in broken for line in find(connection)]


def not_validated(connection: Connection) -> set[str]:
    return {row[0] for row in connection.execute(_CONSTRAINTS.encode()).fetchall() if not row[2]}


def _broken_constraints(connection: Connection) -> Iterator[str]:
    for name, kind, validated, table, parent, columns, theirs, condition, own in connection.execute(
        _CONSTRAINTS.encode()
    ).fetchall():
        if not own:
            continue  # what a partition has of its whole, each of the parents' partitions by itself
        if kind == "f" and validated:
            equal = " AND ".join(f"p.{quote(b)} = c.{quote(a)}" for a, b in zip(columns, theirs, strict=True))
            present = " AND ".join(f"c.{quote(a)} IS NOT NULL" for a in columns)
            wrong = f"{table} c WHERE {present} AND NOT EXISTS (SELECT FROM {parent} p WHERE {equal})"
        elif kind == "c" and validated:
            wrong = f"{table} WHERE ({condition}) IS FALSE"
        else:
            continue
        if _any(connection, f"SELECT FROM {wrong}"):
            yield f"{name} of {table}"


def _broken_uniques(connection: Connection) -> Iterator[str]:
    for table, name, items, predicate, together in connection.execute(_UNIQUES.encode()).fetchall():
        whole = "" if together else f" AND ({items}) IS NOT NULL" if "," in items else f" AND {items} IS NOT NULL"
        if _any(connection, f"SELECT FROM {table} WHERE {predicate}{whole} GROUP BY {items} HAVING count(*) > 1"):
            yield f"{name} of {table}"


def _broken_nulls(connection: Connection) -> Iterator[str]:
    for table, column in connection.execute(_REQUIRED.encode()).fetchall():
        if _any(connection, f"SELECT FROM {table} WHERE {quote(column)} IS NULL"):
            yield f"NOT NULL of {table}.{column}"


def _broken_domains(connection: Connection) -> Iterator[str]:
    """The server checks a value again where it is made one of the domain."""
    for table, column, domain, base in connection.execute(_DOMAINS.encode()).fetchall():
        again = f"SELECT count(({quote(column)}::{base})::{domain}) FROM {table}"
        try:
            with connection.transaction():
                connection.execute(again.encode())
        except (psycopg.errors.CheckViolation, psycopg.errors.NotNullViolation):
            yield f"{domain} of {table}.{column}"


def _broken_exclusions(connection: Connection) -> Iterator[str]:
    """Those over plain columns: any two rows that match in all elements."""
    for name, table, columns, operators, predicate in connection.execute(_EXCLUSIONS.encode()).fetchall():
        if len(columns) == len(operators):
            place = quote("the row's place")
            rows = f"(SELECT *, ctid AS {place} FROM {table} WHERE {predicate})"
            match = " AND ".join(f"a.{quote(c)} {o} b.{quote(c)}" for c, o in zip(columns, operators, strict=True))
            if _any(connection, f"SELECT FROM {rows} a JOIN {rows} b ON a.{place} < b.{place} AND {match}"):
                yield f"{name} of {table}"


def _any(connection: Connection, sql: str) -> bool:
    found = connection.execute(f"SELECT EXISTS ({sql})".encode()).fetchone()
    return found is not None and bool(found[0])


def schema_statements(url: str, privileges: bool = False) -> set[str]:
    """What pg_dump prints of a schema, statement by statement, without order; owners and privileges if wanted."""
    command = ["pg_dump", "--schema-only", *([] if privileges else ["--no-owner", "--no-privileges"]), url]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = (line for line in dump.splitlines() if line and not line.startswith(("--", "\\")))
    statements = re.split(r";\n", "\n".join(lines) + "\n")
    return {s.strip() for s in statements if s.strip() and not re.match(_SESSION, s.strip())}


def normalised(statement: str) -> str:
    """Without what differs in print only: casts and parentheses of an expression that was parsed a second time."""
    if not statement.startswith(("CREATE TABLE", "ALTER TABLE", "CREATE DOMAIN", "CREATE INDEX", "CREATE UNIQUE")):
        return statement
    return re.sub(r"::[a-z ]+(\(\d+\))?(\[\])?|[()]", "", statement)


def next_inserts_refused(connection: Connection) -> list[str]:
    """Tables whose own numbers, drawn by the application's next INSERT, are already taken; nothing remains inserted.

    The number itself is looked up, and a row with parents that exist is offered, which may break conditions of its own.
    """
    filler, refused = Filler(connection, seed=99), []
    for table in filler.tables.values():
        numbered = [c for c in table.columns if c.numbered and not c.generated]
        if not numbered or not filler.count(table):
            continue
        with connection.transaction(force_rollback=True):
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            alone = [column for column in numbered if column.name in table.distinct]
            taken = [column for column in alone if _next_is_taken(connection, table.name, column)]
            refused += [f"{table.name}.{column.name}: its next number is taken" for column in taken]
            filler.add(replace(table, deferrable=True), 1)
            errors = filler.refused[table.name]
            refused += [f"{table.name}: {e}" for e in errors if _collides(e, {c.name for c in numbered}, connection)]
    return refused


def _collides(error: psycopg.Error, numbered: set[str], connection: Connection) -> bool:
    """Whether a row was refused for its number; other keys may be exhausted by their parents."""
    found = connection.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indexrelid = to_regclass(quote_ident(%s) || '.' || quote_ident(%s))",
        (error.diag.schema_name, error.diag.constraint_name),
    ).fetchall()
    return isinstance(error, psycopg.errors.UniqueViolation) and bool(numbered & {row[0] for row in found})


def _next_is_taken(connection: Connection, table: str, column: Column) -> bool:
    found = connection.execute("SELECT pg_get_serial_sequence(%s, %s)", (table, column.name)).fetchone()
    drawn = f"nextval('{found[0]}')" if found and found[0] else column.default
    with connection.transaction(force_rollback=True):
        return _any(connection, f"SELECT FROM {table}, (SELECT {drawn} AS next) AS s WHERE {quote(column.name)} = next")

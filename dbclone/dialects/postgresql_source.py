"""A PostgreSQL database as source: read-only, all sessions in one exported snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import psycopg
import pyarrow as pa

from dbclone.dialects.adbc import ArrowConnection
from dbclone.dialects.base import literal, quote, rows_of
from dbclone.dialects.postgresql_catalogue import read_catalogue
from dbclone.dialects.postgresql_reflection import Reflection, reflect
from dbclone.dialects.postgresql_session import SETTINGS, connect, identity, reading
from dbclone.dialects.postgresql_types import with_constants
from dbclone.dialects.postgresql_values import range_condition, select_expression, to_canonical
from dbclone.errors import SourceError
from dbclone.findings import Finding, Severity
from dbclone.schema import Schema, Table, TableName, TypeFamily

_TABLES_PER_QUERY = 100
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresqlSource:
    """Two sessions see one snapshot: psycopg's asks the catalogue, ADBC's streams tables as Arrow."""

    dialect = "postgresql"

    def __init__(self, url: str, shown: str) -> None:
        self._shown = shown
        self._connection = connect(url, shown)
        self._arrow: ArrowConnection | None = None
        self._url = url
        self._reflection: Reflection | None = None
        self._findings: tuple[Finding, ...] = ()
        try:
            self.identity = identity(self._connection)
            with reading("the source"):
                self._execute(_BEGIN)
                # Hidden rows would make a wrong clone: let a policy that hides some be an error.
                self._execute("SET LOCAL row_security = off")
        except BaseException:
            self._connection.close()
            raise

    def reflect(self) -> Schema:
        """The schema of all tables outside the system's schemas; SourceError if there is none."""
        if self._reflection is None:
            with reading("the catalogue"):
                found = reflect(read_catalogue(self._connection))
                schema = with_constants(found.schema, self._is_valid)
                self._reflection = replace(found, schema=schema)
            self._findings += self._reflection.findings
        if not self._reflection.schema.tables:
            raise SourceError(f"The source {self._shown} has no tables.")
        return self._reflection.schema

    def row_counts(self, schema: Schema) -> Mapping[TableName, int]:
        """Exact numbers of rows, each table's own."""
        counts: dict[TableName, int] = {}
        for start in range(0, len(schema.tables), _TABLES_PER_QUERY):
            tables = schema.tables[start : start + _TABLES_PER_QUERY]
            counts |= self._counts(tables) if len(tables) > 1 else {}
        for table in schema.tables:
            if table.name not in counts:
                with reading(f"table {table.name}"):
                    counts[table.name] = self._count(f"SELECT count(*) FROM {rows_of(self.dialect, table)}")
        return counts

    def _counts(self, tables: Sequence[Table]) -> dict[TableName, int]:
        """Numbers of rows of many tables at once; none if one of them cannot be read, which is for others to say."""
        sql = " UNION ALL ".join(
            f"SELECT {at} AS at, count(*) FROM {rows_of(self.dialect, table)}" for at, table in enumerate(tables)
        )
        try:
            with self._connection.transaction():
                found = self._connection.execute(f"{sql} ORDER BY at".encode()).fetchall()
        except psycopg.Error:
            return {}
        return {table.name: int(str(row[1])) for table, row in zip(tables, found, strict=True)}

    def read(self, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows in primary-key order, see ``abc.Source``."""
        wanted = [c for c in table.insertable if columns is None or c.name in columns]
        if columns is not None:
            wanted.sort(key=lambda column: list(columns).index(column.name))
        if not wanted:
            return pa.table({})
        keys = [f"source.{quote(column)}" for column in table.primary_key.columns] if table.primary_key else []
        order = f" ORDER BY {', '.join(keys)}" if keys else ""
        sql = f"SELECT {', '.join(map(select_expression, wanted))} FROM {rows_of(self.dialect, table)} AS source{order}"
        with reading(f"table {table.name}"):
            raw = self._arrow_session().fetch(sql)
        data = []
        for at, column in enumerate(wanted):
            values, lost = to_canonical(raw.column(at), column.type)
            data.append(values)
            condition = range_condition(column)
            if condition and values.null_count:
                where = f"{quote(column.name)} IS NOT NULL AND NOT {condition}"
                lost = self.count(f"SELECT count(*) FROM {rows_of(self.dialect, table)} WHERE {where}")
            self._report(table, column.name, column.type.family, lost)
        return pa.table(data, names=[column.name for column in wanted])

    def count(self, sql: str) -> int:
        """The single integer that a query returns.

        A function that a condition calls may name things as the application's sessions do: without a schema.
        """
        with reading("the source"):
            try:
                with self._connection.transaction():
                    return self._count(sql)
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedObject):
                with self._connection.transaction(force_rollback=True):
                    self._execute("SET LOCAL search_path TO DEFAULT")
                    return self._count(sql)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._findings

    def close(self) -> None:
        """Give the snapshot back; a second call does nothing."""
        if self._arrow is not None:
            self._arrow.close()
            self._arrow = None
        with contextlib.suppress(Exception):  # a broken session has nothing left to close
            self._connection.close()

    def _report(self, table: Table, column: str, family: TypeFamily, lost: int) -> None:
        if lost:
            message = f"Values that other products have no {family} for (infinity, NaN, far years) are read as NULL."
            finding = Finding(Severity.WARNING, "type-fallback", table.name, (column,), message, lost)
            if finding not in self._findings:
                self._findings += (finding,)

    def _is_valid(self, text: str, kind: str) -> bool:
        """Whether a text is a value of the type."""
        try:
            with self._connection.transaction():
                return self._connection.execute(f"SELECT {literal(text)}::{kind}".encode()).fetchone() is not None
        except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.InternalError):
            return False

    def _execute(self, sql: str) -> None:
        self._connection.execute(sql.encode())

    def _count(self, sql: str) -> int:
        row = self._connection.execute(sql.encode()).fetchone()
        return int(str(row[0] or 0)) if row else 0

    def _arrow_session(self) -> ArrowConnection:
        """The Arrow session, opened at the first table and put into the snapshot of the first one."""
        if self._arrow is None:
            import adbc_driver_postgresql

            row = self._connection.execute(b"SELECT pg_catalog.pg_export_snapshot()").fetchone()
            assert row is not None
            arrow = ArrowConnection(adbc_driver_postgresql.connect(self._url))
            for statement in (*SETTINGS, _BEGIN, f"SET TRANSACTION SNAPSHOT {literal(str(row[0]))}"):
                arrow.execute(statement)
            arrow.execute("SET LOCAL row_security = off")
            self._arrow = arrow
        return self._arrow

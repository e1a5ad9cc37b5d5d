"""A PostgreSQL database as target: everything in one transaction of one session, so all of it or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

import psycopg
import pyarrow as pa

from dbclone.dialects import postgresql_ddl as ddl
from dbclone.dialects.base import qualified
from dbclone.dialects.postgresql_session import connect, describe, identity, writing
from dbclone.dialects.postgresql_values import binary_chunks, binary_possible, text_chunks
from dbclone.dialects.translation import translate
from dbclone.errors import TargetError, WriteError
from dbclone.findings import Finding, Severity
from dbclone.schema import Column, Schema, Statement, Table, TableName, TypeFamily

_OPTIONAL = ("aggregate", "cast", "function", "operator", "procedure", "extension")
"""Kinds before the tables without which a clone is still one: what needs them fails by its own name."""
_FOREIGN = (TypeFamily.OPAQUE, TypeFamily.ARRAY, TypeFamily.TEXT)
"""Families of the types that a server may lack."""
_UNDEFINED, _NO_FUNCTION = "42704", "42883"
_Refused = tuple[Statement, psycopg.Error]


class PostgresqlTarget:
    """Nothing is visible to others, and nothing remains of a failure, before ``commit``."""

    dialect = "postgresql"

    def __init__(self, url: str, shown: str) -> None:
        self._shown = shown
        self._connection = connect(url, shown)
        self._tables: dict[TableName, Table] = {}
        self._late: tuple[Statement, ...] = ()
        self._calling: list[Statement] = []
        self._last: list[Statement] = []
        try:
            self.identity = identity(self._connection)
            with writing("the target"):
                self._execute("BEGIN")
                self._execute("SET LOCAL check_function_bodies = off")
        except BaseException:
            self._connection.close()
            raise

    def is_empty(self) -> bool:
        """True if no schema holds a table of the user's; what extensions bring does not count."""
        return not self.count(ddl.USER_TABLES)

    def create(self, schema: Schema, clean: bool) -> tuple[Finding, ...]:
        """Create types, sequences, functions and tables; with ``clean``, first drop what the schemas hold."""
        if not clean and not self.is_empty():
            raise TargetError(f"The target {self._shown} is not empty: give --clean to replace what is there.")
        own, findings = translate(schema, self.dialect)
        if clean:
            self._drop(ddl.schemas_of(own))
        self._late = self._run_before_tables(own.preamble)
        at_hand, lost = self._with_types_at_hand(own)
        findings += lost
        self._tables = {theirs.name: ours for theirs, ours in zip(schema.tables, at_hand.tables, strict=True)}
        present = {table.name: table for table in at_hand.tables}
        waiting: list[Statement] = []
        # Functions may name things as the application's sessions do; all that dbclone says itself is qualified.
        self._execute("SET LOCAL search_path TO DEFAULT")
        functions = ddl.functions_of(own)
        for whole in at_hand.tables:
            table, calling = ddl.with_calls_apart(whole, functions, present)
            self._calling += calling
            with writing(f"table {table.name}"):
                waiting += self._create_table(table, present)
                for sql in ddl.inherited_changes(table, present):
                    self._execute(sql)
                for statement in table.attachments:
                    if statement.sql:
                        self._execute(statement.sql)
        self._complete_tables(waiting)
        return findings

    def load(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """COPY the rows, in binary form where all types have a known one."""
        own = self._tables[table.name]
        types = {theirs.name: ours for theirs, ours in zip(table.columns, own.columns, strict=True)}
        rows = iter(batches)
        first = next(rows, None)
        if first is None or not first.schema.names:
            return 0
        columns = [types[name] for name in first.schema.names]
        binary = binary_possible(first.schema, columns)
        chunks = (binary_chunks if binary else text_chunks)(own, chain([first], rows), columns)
        statement = ddl.copy_statement(own, (column.name for column in columns), binary)
        with writing(f"table {own.name}"), self._connection.cursor() as cursor:
            with cursor.copy(statement.encode()) as copy:
                for chunk in chunks:
                    copy.write(chunk)
            return cursor.rowcount

    def finish(self, schema: Schema) -> tuple[Finding, ...]:
        """Keys, indexes, foreign keys, positions of sequences, views and triggers, statistics."""
        own, _ = translate(schema, self.dialect)
        failed: list[_Refused] = []
        for statement in self._calling:
            with writing(statement.subject):
                self._execute(statement.sql)
        for table in own.tables:
            with writing(f"table {table.name}"):
                for sql in ddl.key_statements(table):
                    self._execute(sql)
                failed += self._indexes_refused(table)
        parted = ddl.partitioned(own)
        for table in own.tables:
            with writing(f"table {table.name}"):
                for sql in ddl.foreign_key_statements(table, parted):
                    self._execute(sql)
        self._position_sequences()
        completions = [statement for table in own.tables for statement in table.completions]
        # These hide rows from the owner too, who has yet to prove them.
        self._last = [statement for statement in completions if ddl.hides_rows(statement)]
        others = (statement for statement in completions if not ddl.hides_rows(statement))
        failed += self._run_in_any_order((*self._late, *own.epilogue, *others))
        for table in own.tables:
            with writing(f"table {table.name}"):
                self._execute(f"ANALYZE {qualified(table.name)}")
        failed += self._failing(own.privileges)
        return tuple(_not_copied(statement, error) for statement, error in failed)

    def count(self, sql: str) -> int:
        """The single integer that a query returns."""
        with writing("the target"):
            row = self._connection.execute(sql.encode()).fetchone()
        return int(str(row[0] or 0)) if row else 0

    def commit(self) -> None:
        """Make the clone visible.  Deferred constraints are proved here."""
        with writing("the target"):
            for statement in self._last:
                self._execute(statement.sql)
            self._execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything since the target was opened."""
        with contextlib.suppress(psycopg.Error):
            self._execute("ROLLBACK")

    def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _execute(self, sql: str) -> None:
        self._connection.execute(sql.encode())

    def _drop(self, schemas: tuple[str, ...]) -> None:
        with writing("what is there"):
            found = self._connection.execute(ddl.drop_query(schemas).encode()).fetchall()
            for statement, _ in found:
                self._execute(str(statement))

    def _with_types_at_hand(self, schema: Schema) -> tuple[Schema, tuple[Finding, ...]]:
        """The schema with text in place of types that this server has not (of an extension, say), and what to tell."""
        opaque = {c.type.sql for table in schema.tables for c in table.columns if c.type.family in _FOREIGN}
        tried = (Statement("type", name, f"SELECT NULL::{name}") for name in sorted(opaque))
        missing = {kind.name for kind, error in self._failing(tried) if error.sqlstate == _UNDEFINED}
        if not missing:
            return schema, ()
        tables, findings = [], list[Finding]()
        for table in schema.tables:
            lost = {c.name for c in table.columns if c.type.sql in missing}
            columns = (ddl.as_text(c) if c.name in lost else c for c in table.columns)
            tables.append(replace(table, columns=tuple(columns)) if lost else table)
            findings += [_without_type(table, column) for column in table.columns if column.name in lost]
        return replace(schema, tables=tuple(tables)), tuple(findings)

    def _run_before_tables(self, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """Types and the like in whatever order works; functions that need tables are returned for later."""
        failed = self._run_in_any_order(statements)
        for statement, error in failed:
            if statement.kind not in _OPTIONAL:
                with writing(statement.subject):
                    raise error
        return tuple(statement for statement, _ in failed)

    def _create_table(self, table: Table, present: Mapping[TableName, Table]) -> tuple[Statement, ...]:
        """Create a table; what of it has to wait for functions that need tables themselves."""
        whole = ddl.create_table(table, present)
        if not self._late:
            self._execute(whole)
            return ()
        for _, error in self._failing([Statement("table", str(table.name), whole)]):
            if error.sqlstate != _NO_FUNCTION:
                raise error
            bare, rest = ddl.without_expressions(table)
            self._execute(ddl.create_table(bare, present))
            return rest
        return ()

    def _complete_tables(self, waiting: list[Statement]) -> None:
        """Conditions and defaults whose functions can be created now that all tables are there."""
        if waiting:
            self._late = tuple(statement for statement, _ in self._run_in_any_order(self._late))
        for statement in waiting:
            with writing(statement.subject):
                self._execute(statement.sql)

    def _run_in_any_order(self, statements: tuple[Statement, ...]) -> list[_Refused]:
        """Run statements that may need each other, again and again until none of the rest succeeds."""
        failed: list[_Refused] = []
        pending = list(statements)
        while pending:
            failed = list(self._failing(pending))
            if len(failed) == len(pending):
                break
            pending = [statement for statement, _ in failed]
        return failed

    def _failing(self, statements: Iterable[Statement]) -> Iterator[_Refused]:
        for statement in statements:
            self._execute("SAVEPOINT attempt")
            try:
                self._execute(statement.sql)
            except psycopg.OperationalError as error:
                raise WriteError(f"Cannot write the target: {describe(error)}.") from None
            except psycopg.Error as error:
                self._execute("ROLLBACK TO SAVEPOINT attempt")
                yield statement, error
            self._execute("RELEASE SAVEPOINT attempt")

    def _indexes_refused(self, table: Table) -> list[_Refused]:
        """Create the indexes; those that the server cannot build (a method that it lacks, say) are told, rows that
        break a unique one are not excused."""
        indexes = (Statement("index", f"{index.name} on {table.name}", index.ddl) for index in table.indexes)
        failed = list(self._failing(indexes))
        for _, error in failed:
            if (error.sqlstate or "").startswith("23"):
                raise error
        return failed

    def _position_sequences(self) -> None:
        """The application's next INSERT must find a free number."""
        with writing("the sequences"):
            uses: dict[tuple[str, bool], list[tuple[str, str]]] = {}
            for sequence, ascending, table, column in self._connection.execute(
                ddl.SEQUENCES_IN_USE.encode()
            ).fetchall():
                uses.setdefault((str(sequence), bool(ascending)), []).append((str(table), str(column)))
            for (sequence, ascending), places in uses.items():
                self._execute(ddl.position_statement(sequence, ascending, places))
            self._position_sequences_apart()

    def _position_sequences_apart(self) -> None:
        """Those that no column draws from stand behind the key of their name, else behind all that nothing fills."""
        keys: dict[str, list[tuple[str, str, bool]]] = {}
        for sequence, table, column, named in self._connection.execute(ddl.SEQUENCES_APART.encode()).fetchall():
            keys.setdefault(str(sequence), []).append((str(table), str(column), bool(named)))
        for sequence, found in keys.items():
            of_its_name = [key for key in found if key[2]] or found
            self._execute(ddl.position_apart_statement(sequence, [key[:2] for key in of_its_name]))


def _without_type(table: Table, column: Column) -> Finding:
    message = f"The target has no type {column.type.sql}: the column is text there, without default."
    return Finding(Severity.WARNING, "type-fallback", table.name, (column.name,), message)


def _not_copied(statement: Statement, error: psycopg.Error) -> Finding:
    message = f"The target refuses the {statement.subject}: {describe(error)}."
    return Finding(Severity.WARNING, "not-copied", None, (), message, subject=statement.subject)

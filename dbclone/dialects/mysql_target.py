"""A MariaDB or MySQL database as target: built beside it and put in its place at once (``mysql_stage``)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from dbclone.dialects import mysql_ddl as ddl
from dbclone.dialects.base import quote_all
from dbclone.dialects.mysql_session import (
    LOCAL_OFF,
    MysqlError,
    code_of,
    connect,
    describe,
    failure,
    identity,
    is_mariadb,
    writing,
)
from dbclone.dialects.mysql_stage import Stage, release
from dbclone.dialects.mysql_values import bounded, lines, to_texts
from dbclone.dialects.translation import translate
from dbclone.errors import TargetError
from dbclone.findings import Finding, Severity
from dbclone.schema import Column, Schema, Statement, Table, TableName
from dbclone.temporary import nameless_file

_COLLATIONS = {True: "utf8mb4_nopad_bin", False: "utf8mb4_0900_bin"}
"""Under which only equal texts are equal, spaces at the end included: MariaDB's and MySQL's."""


class MysqlTarget:
    """Nothing of the target is touched before ``commit``, and nothing remains of a failure."""

    dialect = "mysql"

    def __init__(self, url: str, shown: str) -> None:
        self._shown = shown
        self._session = connect(url, shown, local_infile=True)
        self._stage: Stage | None = None
        self._tables: dict[TableName, Table] = {}
        self._own_rows = False
        self._local = True
        self._definitions: list[str] = []
        try:
            with writing("the target"):
                self.identity = identity(self._session)
                self._mariadb = is_mariadb(self._session)
                self._stage = Stage(self._session)
        except BaseException:
            self._session.close()
            raise

    def is_empty(self) -> bool:
        """True if the database holds no table and no view."""
        with writing("the target"):
            return self._built.is_empty()

    def create(self, schema: Schema, clean: bool) -> tuple[Finding, ...]:
        """Create the tables beside the target; TargetError if it holds any and ``clean`` is not given."""
        if not clean and not self.is_empty():
            raise TargetError(f"The target {self._shown} is not empty: give --clean to replace what is there.")
        own, findings = translate(schema, self.dialect)
        self._own_rows = schema.dialect == self.dialect
        self._tables = {theirs.name: ours for theirs, ours in zip(schema.tables, own.tables, strict=True)}
        with writing("the target"):
            self._built.open()
            for statement in own.preamble:
                self._session.execute(statement.sql)
        for table in own.tables:
            with writing(f"table {table.name}"):
                self._session.execute(ddl.create_table(table, _COLLATIONS[self._mariadb]))
        return findings

    def load(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """LOAD DATA LOCAL the rows; INSERT them where the server or its client has that switched off."""
        own = self._tables[table.name]
        if not table.columns:
            return 0  # the one that it has here is of the target's making
        types = {theirs.name: ours for theirs, ours in zip(table.columns, own.columns, strict=True)}
        rows = 0
        for batch in bounded(iter(batches)):
            if not batch.num_columns or not batch.num_rows:
                continue
            columns = [types[name] for name in batch.schema.names]
            texts = to_texts(own, batch, columns, zero_dates=self._own_rows)
            with writing(f"table {own.name}"):
                rows += self._send(own, columns, texts)
        return rows

    def finish(self, schema: Schema) -> tuple[Finding, ...]:
        """Indexes and foreign keys, whose rows ``checking`` proves; then views and the like, and statistics."""
        own, _ = translate(schema, self.dialect)
        for table in own.tables:
            with writing(f"table {table.name}"):
                for statement in ddl.index_statements(table):
                    self._session.execute(statement)
                if table.foreign_keys:
                    self._session.execute(ddl.foreign_key_statement(table, table.foreign_keys))
        completions = [statement for table in own.tables for statement in table.completions]
        with writing("the target"):
            done, failed = self._built.probe([*own.epilogue, *completions])
            self._definitions = [statement.sql for statement in done]
            self._session.rows(f"ANALYZE TABLE {quote_all(table.name.name for table in own.tables)}")
        return tuple(_not_copied(statement, error) for statement, error in failed)

    def count(self, sql: str) -> int:
        """The single integer that a query on the clone returns."""
        with writing("the target"):
            return int(self._session.scalar(sql) or 0)

    def commit(self) -> None:
        """Put the clone in the place of what the target held."""
        with writing("the target"):
            self._built.put_in_place(self._definitions)

    def rollback(self) -> None:
        """Drop the clone; the target was never touched."""
        release(self._stage)

    def close(self) -> None:
        """Drop what was not committed, and end the session."""
        release(self._stage)
        self._stage = None
        self._session.close()

    @property
    def _built(self) -> Stage:
        assert self._stage is not None
        return self._stage

    def _send(self, table: Table, columns: Sequence[Column], texts: Sequence[pa.Array]) -> int:
        if self._local:
            try:
                return self._load_file(table, columns, texts)
            except MysqlError as error:
                if code_of(error) not in LOCAL_OFF:
                    raise
                self._local = False
        return self._insert(table, columns, texts)

    def _load_file(self, table: Table, columns: Sequence[Column], texts: Sequence[pa.Array]) -> int:
        """LOCAL skips rows that break a constraint, and bends values that do not fit: any warning is a failure."""
        with nameless_file(lines(texts, columns)) as name:
            path = name.replace("\\", "\\\\").replace("'", "\\'")
            loaded = self._session.execute(ddl.load_statement(table, columns, path))
        warnings = self._session.rows("SHOW WARNINGS")
        if warnings:
            _, code, text = warnings[0]
            raise failure(MysqlError(int(code), text), f"table {table.name}")
        if loaded != len(texts[0]):
            raise failure(MysqlError(0, ""), f"table {table.name}")
        return loaded

    def _insert(self, table: Table, columns: Sequence[Column], texts: Sequence[pa.Array]) -> int:
        statement = ddl.insert_statement(table, columns)
        with self._session.connection.cursor() as cursor, _transaction(self._session.execute):
            return int(cursor.executemany(statement, list(_parameters(texts))) or 0)


@contextlib.contextmanager
def _transaction(execute: object) -> Iterator[None]:
    """One commit for many rows."""
    assert callable(execute)
    execute("BEGIN")
    yield
    execute("COMMIT")


def _parameters(texts: Sequence[pa.Array]) -> Iterator[dict[str, str | None]]:
    names = [f"v{at}" for at in range(len(texts))]
    for row in zip(*(values.to_pylist() for values in texts), strict=True):
        yield dict(zip(names, row, strict=True))


def _not_copied(statement: Statement, error: Exception) -> Finding:
    message = f"The target refuses the {statement.subject}: {describe(error)}."
    return Finding(Severity.WARNING, "not-copied", None, (), message, subject=statement.subject)

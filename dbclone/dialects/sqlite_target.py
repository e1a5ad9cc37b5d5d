"""A SQLite file as target: built under another name beside it, and put in place by one rename."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from dbclone.dialects.adbc import AdbcError, ArrowConnection
from dbclone.dialects.base import fitting, quote, without_text
from dbclone.dialects.files import file_identity
from dbclone.dialects.sqlite_files import arrow_connection, file_uri, reason
from dbclone.dialects.sqlite_render import create_statements
from dbclone.dialects.sqlite_values import to_storage, with_fraction
from dbclone.dialects.translation import translate
from dbclone.errors import IntegrityError, TargetError, WriteError
from dbclone.findings import Finding, Severity
from dbclone.schema import Schema, Statement, Table, TableName
from dbclone.temporary import Workshop, flush, usual_mode

_BROKEN = re.compile(r"(UNIQUE|NOT NULL|PRIMARY KEY) constraint failed: [^'\n]+|(CHECK|FOREIGN KEY) constraint failed")
"""SQLite's messages that name columns; what a CHECK says may hold values and is left out."""


class SqliteTarget:
    """A SQLite file that is built under another name beside it, and put in place by ``commit``."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise TargetError(f"The target {path} is a directory, not a SQLite file.")
        if not path.resolve().parent.is_dir():
            raise TargetError(f"The target's directory {path.resolve().parent} does not exist.")
        self.path = path.resolve()
        self.identity = file_identity(path)
        self._workshop: Workshop | None = None
        self._connection: sqlite3.Connection | None = None
        self._arrow: ArrowConnection | None = None
        self._tables: dict[TableName, Table] = {}

    def is_empty(self) -> bool:
        """True if the file is missing or a database without tables."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return True
        try:
            with contextlib.closing(sqlite3.connect(file_uri(self.path, "ro"), uri=True)) as existing:
                sql = "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                return not existing.execute(sql).fetchone()[0]
        except sqlite3.Error as error:
            raise TargetError(f"The target {self.path} cannot be used: {reason(error)}.") from without_text(error)

    def create(self, schema: Schema, clean: bool) -> tuple[Finding, ...]:
        """Create the tables in the new file; TargetError if the old one holds tables and ``clean`` is not given."""
        if not self.is_empty() and not clean:
            raise TargetError(f"The target {self.path} is not empty: give --clean to replace what is there.")
        own, findings = translate(schema, self.dialect)
        self._tables = {theirs.name: ours for theirs, ours in zip(schema.tables, own.tables, strict=True)}
        with self._writing():
            self._workshop = Workshop(self.path)
            self._connection = sqlite3.connect(self._workshop.file, isolation_level=None)
            # Nobody else sees the file before it is renamed: a journal would protect nothing.
            self._execute("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA foreign_keys = OFF")
            self._execute(*(statement.sql for statement in own.preamble), "BEGIN", *create_statements(own), "COMMIT")
            self._arrow = arrow_connection(str(self._workshop.file))
            self._arrow.execute("PRAGMA synchronous = OFF")
            self._arrow.execute("PRAGMA journal_mode = OFF")
            self._arrow.begin()
        return findings

    def load(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Append the rows in the storage form that the source uses."""
        own = self._tables[table.name]
        if not table.columns:
            return 0  # the one that it has here is of the target's making
        types = {theirs.name: ours for theirs, ours in zip(table.columns, own.columns, strict=True)}
        # As a whole: the text form of a column must not change from one batch to the next.
        batches = list(batches)
        rows = pa.Table.from_batches(batches) if batches else pa.table({})
        columns = [types[name] for name in rows.column_names]
        data = []
        for values, column in zip(rows.columns, columns, strict=True):
            with fitting(own, column):
                data.append(to_storage(values, with_fraction(values, column.type)))
        if len(rows):
            assert self._arrow is not None
            with self._writing(f" (table {own.name})"):
                self._arrow.append(own.name.name, pa.table(data, names=[column.name for column in columns]))
                self._arrow.commit()
        return len(rows)

    def finish(self, schema: Schema) -> tuple[Finding, ...]:
        """Indexes, views and triggers, then ANALYZE; a view or trigger that SQLite refuses is reported."""
        own, _ = translate(schema, self.dialect)
        with self._writing():
            self._execute("BEGIN", *(index.ddl for table in own.tables for index in table.indexes))
            findings = tuple(self._create_later(own.epilogue))
            self._execute("ANALYZE", "COMMIT")
        return findings

    def count(self, sql: str) -> int:
        """The single integer that a query on the new file returns."""
        assert self._connection is not None
        with self._writing():
            return int(self._connection.execute(sql).fetchone()[0] or 0)

    def commit(self) -> None:
        """Put the new file in the place of the old one, in one step."""
        assert self._workshop is not None
        new = self._workshop.file
        with self._writing():
            self._disconnect()
            if self.path.exists():
                _take_over(self.path, new)
            else:
                new.chmod(usual_mode())
            flush(new)
            new.replace(self.path)

    def rollback(self) -> None:
        """Remove what was not put in place; the old file was never touched."""
        self._disconnect()
        if self._workshop is not None:
            self._workshop.close()
            self._workshop = None

    def close(self) -> None:
        self.rollback()

    def _execute(self, *statements: str) -> None:
        assert self._connection is not None
        for statement in statements:
            self._connection.execute(statement)

    def _create_later(self, statements: Iterable[Statement]) -> Iterator[Finding]:
        """Views and triggers; SQLite accepts a view on missing tables, so each view is asked for its columns."""
        assert self._connection is not None
        for statement in statements:
            last = self.count("SELECT max(rowid) FROM sqlite_master")
            try:
                self._execute(statement.sql)
                self._probe_view(last)
            except sqlite3.Error:
                message = f"SQLite refuses the {statement.subject}: it refers to something that is not in the clone."
                yield Finding(Severity.WARNING, "not-copied", None, (), message, subject=statement.subject)

    def _probe_view(self, after: int) -> None:
        assert self._connection is not None
        new = "SELECT name FROM sqlite_master WHERE type = 'view' AND rowid > ?"
        for (name,) in self._connection.execute(new, (after,)).fetchall():
            try:
                self._execute(f"SELECT * FROM {quote(name)} LIMIT 0")
            except sqlite3.Error:
                self._execute(f"DROP VIEW {quote(name)}")
                raise

    def _disconnect(self) -> None:
        for connection in (self._arrow, self._connection):
            if connection is not None:
                connection.close()
        self._arrow = self._connection = None

    @contextlib.contextmanager
    def _writing(self, where: str = "") -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, AdbcError, OSError) as error:
            if broken := _BROKEN.search(str(error)):
                raise IntegrityError(f"The target's {broken.group()}{where}.") from without_text(error)
            raise WriteError(f"The target {self.path} cannot be written: {reason(error)}.") from without_text(error)


def _take_over(old: Path, new: Path) -> None:
    """Make sure that nobody uses the old file, remove its logs, and give the new file its permissions."""
    if old.stat().st_size:
        with contextlib.closing(sqlite3.connect(old, isolation_level=None, timeout=1.0)) as existing:
            existing.execute("PRAGMA journal_mode = DELETE")
            existing.execute("BEGIN EXCLUSIVE")
            existing.execute("ROLLBACK")
    new.chmod(old.stat().st_mode & 0o777)

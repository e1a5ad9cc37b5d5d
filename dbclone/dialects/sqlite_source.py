"""A SQLite file as source: read-only, seen in one read transaction."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from dbclone.dialects.adbc import AdbcError, ArrowConnection
from dbclone.dialects.base import quote, without_text
from dbclone.dialects.files import file_identity
from dbclone.dialects.sqlite_files import arrow_connection, file_uri, reason
from dbclone.dialects.sqlite_reflection import Reflection, reflect
from dbclone.dialects.sqlite_values import select_expression, to_canonical
from dbclone.errors import SourceChanged, SourceError
from dbclone.findings import Finding
from dbclone.schema import Schema, Table, TableName

_SNAPSHOT_ATTEMPTS = 5
_BUSY_SECONDS = 10.0


class SqliteSource:
    """A SQLite file, seen in one read transaction.

    Two connections read it: the standard library's, for pragmas and statistics, and ADBC's, which hands whole
    columns over as Arrow four times as fast.  Both hold their transaction from the start, so they see the same state
    if nothing was committed between the two beginnings, which is checked.
    """

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        _refuse_unusable(path)
        self.path = path
        self.identity = file_identity(path)
        self._findings: tuple[Finding, ...] = ()
        self._reflection: Reflection | None = None
        self._connection, self._arrow = _snapshot(path)

    def reflect(self) -> Schema:
        """The schema as it is; SourceError if there is no table at all."""
        if self._reflection is None:
            with _reading(self.path):
                self._reflection = reflect(self._connection)
            self._findings += self._reflection.findings
        if not self._reflection.schema.tables:
            raise SourceError(f"The source {self.path} has no tables.")
        return self._reflection.schema

    def row_counts(self, schema: Schema) -> Mapping[TableName, int]:
        """Exact numbers of rows, counted when the columns were looked at."""
        self.reflect()
        assert self._reflection is not None
        known = self._reflection.row_counts
        return {table.name: known[table.name] for table in schema.tables}

    def read(self, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows in primary-key order, see ``abc.Source``."""
        wanted = [c for c in table.insertable if columns is None or c.name in columns]
        if columns is not None:
            wanted.sort(key=lambda column: list(columns).index(column.name))
        sql = f"SELECT {', '.join(map(select_expression, wanted))} FROM {quote(table.name.name)} AS source"
        # The prefix matters: a bare name would mean the expression of that name in the list.
        keys = [f"source.{quote(column)}" for column in table.primary_key.columns] if table.primary_key else []
        sql += f" ORDER BY {', '.join(keys)}" if keys else " NOT INDEXED"
        # The driver infers each type from the first batch: make it the only one.
        rows = self.row_counts(Schema("sqlite", (table,)))[table.name]
        with _reading(self.path):
            raw = self._arrow.fetch(sql, **{"adbc.sqlite.query.batch_rows": str(max(rows, 1))})
        self._unchanged()
        data = [to_canonical(raw.column(at), column.type) for at, column in enumerate(wanted)]
        return pa.table(data, names=[column.name for column in wanted])

    def count(self, sql: str) -> int:
        """The single integer that a query returns."""
        with _reading(self.path):
            return int(self._connection.execute(sql).fetchone()[0] or 0)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._findings

    def close(self) -> None:
        self._arrow.close()
        self._connection.close()

    def _unchanged(self) -> None:
        """The transaction keeps writers out or apart, but not a file that is replaced under the same name."""
        if file_identity(self.path) != self.identity:
            raise SourceChanged(f"The source {self.path} was replaced by another file while it was read: run again.")


def _refuse_unusable(path: Path) -> None:
    if path.is_dir():
        raise SourceError(f"The source {path} is a directory, not a SQLite file.")
    if not path.exists():
        raise SourceError(f"The source {path} does not exist.")
    if not os.access(path, os.R_OK):
        raise SourceError(f"The source {path} may not be read: permission denied.")
    with path.open("rb") as file:
        head = file.read(16)
    if head and head != b"SQLite format 3\0":
        raise SourceError(f"The source {path} is not a SQLite database.")


def _snapshot(path: Path) -> tuple[sqlite3.Connection, ArrowConnection]:
    """Two connections whose read transactions began on the same state of the file."""
    with _reading(path):
        for _ in range(_SNAPSHOT_ATTEMPTS):
            before = _state(path)
            connection = sqlite3.connect(file_uri(path, "ro"), uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            arrow = arrow_connection(file_uri(path, "ro"))
            arrow.begin()
            arrow.fetch("SELECT count(*) FROM sqlite_master")
            if _state(path) == before:
                return connection, arrow
            arrow.close()
            connection.close()
    raise SourceChanged(f"The source {path} is being written to: no consistent state could be seen. Try again.")


def _state(path: Path) -> list[tuple[int, int, int]]:
    """What changes when somebody commits: inode, size and time of the file and of its write-ahead log."""
    files = (path, path.with_name(path.name + "-wal"))
    return [(s.st_ino, s.st_size, s.st_mtime_ns) for s in (f.stat() for f in files if f.exists())]


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Failures of SQLite while reading, in one sentence without data."""
    try:
        yield
    except (sqlite3.Error, AdbcError, OSError) as error:
        raise SourceError(f"The source {path} cannot be read: {reason(error)}.") from without_text(error)

"""SQLite files as source (read-only, one snapshot) and as target (built beside, put in place by one rename)."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from dbclone.dialects.base import quote
from dbclone.dialects.sqlite_reflection import Reflection, reflect
from dbclone.dialects.sqlite_render import create_statements
from dbclone.dialects.sqlite_values import select_expression, to_canonical, to_storage, with_fraction
from dbclone.dialects.translation import translate
from dbclone.errors import SourceChanged, SourceError, TargetError, WriteError
from dbclone.findings import Finding, Severity
from dbclone.schema import Schema, Table, TableName

_SNAPSHOT_ATTEMPTS = 5
_BUSY_SECONDS = 10.0


def file_identity(path: Path) -> str:
    """Device and inode, the same for every link to a file; the resolved path where there is no file yet."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return f"sqlite:{status.st_dev}:{status.st_ino}"
    return f"sqlite:new:{path.resolve()}"


def _uri(path: Path, mode: str) -> str:
    escaped = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{escaped}?mode={mode}"


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
        with _reading(self.path):
            raw = _fetch(self._arrow, sql, self.row_counts(Schema("sqlite", (table,)))[table.name])
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


def _snapshot(path: Path) -> tuple[sqlite3.Connection, AdbcConnection]:
    """Two connections whose read transactions began on the same state of the file."""
    with _reading(path):
        for _ in range(_SNAPSHOT_ATTEMPTS):
            before = _state(path)
            connection = sqlite3.connect(_uri(path, "ro"), uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            arrow = _adbc(_uri(path, "ro"))
            _fetch(arrow, "SELECT count(*) FROM sqlite_master", 1)
            if _state(path) == before:
                return connection, arrow
            arrow.close()
            connection.close()
    raise SourceChanged(f"The source {path} is being written to: no consistent state could be seen. Try again.")


def _state(path: Path) -> list[tuple[int, int, int]]:
    """What changes when somebody commits: inode, size and time of the file and of its write-ahead log."""
    files = (path, path.with_name(path.name + "-wal"))
    return [(s.st_ino, s.st_size, s.st_mtime_ns) for s in (f.stat() for f in files if f.exists())]


class AdbcConnection:
    """An ADBC connection to a SQLite file that never leaves its transaction unasked."""

    def __init__(self, uri: str) -> None:
        from adbc_driver_sqlite import dbapi

        self._dbapi = dbapi.connect(uri)

    def fetch(self, sql: str, rows: int) -> pa.Table:
        """All rows of a query; types are inferred over ``rows`` rows, so name as many as there are."""
        with self._dbapi.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(max(rows, 1))})
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    def ingest(self, table: str, rows: pa.Table) -> None:
        """Append rows to a table, by column names."""
        with self._dbapi.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="append")

    def execute(self, sql: str) -> None:
        with self._dbapi.cursor() as cursor:
            cursor.execute(sql)

    def commit(self) -> None:
        self._dbapi.commit()

    def close(self) -> None:
        self._dbapi.close()


def _adbc(uri: str) -> AdbcConnection:
    return AdbcConnection(uri)


def _fetch(connection: AdbcConnection, sql: str, rows: int) -> pa.Table:
    return connection.fetch(sql, rows)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Failures of SQLite while reading, in one sentence without data."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SourceError(f"The source {path} cannot be read: {_reason(error)}.") from error
    except Exception as error:
        if type(error).__module__.startswith("adbc_driver_manager"):
            raise SourceError(f"The source {path} cannot be read: {_reason(error)}.") from error
        raise


_REASONS = (
    ("not a database", "it is not a SQLite database"),
    ("malformed", "the file is damaged"),
    ("locked", "another program has locked it"),
    ("full", "database or disk is full"),
    ("disk i/o", "disk error, or no space left"),
    ("unable to open", "the file cannot be opened"),
    ("readonly", "it is read-only"),
)


def _reason(error: Exception) -> str:
    """A known reason, or the message up to anything that could be a value."""
    text = str(error)
    known = next((reason for word, reason in _REASONS if word in text.lower()), None)
    return known or re.split(r"['\"\n]", text, maxsplit=1)[0].strip().rstrip(".:") or type(error).__name__


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
        self._temporary: Path | None = None
        self._connection: sqlite3.Connection | None = None
        self._arrow: AdbcConnection | None = None
        self._tables: dict[TableName, Table] = {}

    def is_empty(self) -> bool:
        """True if the file is missing or a database without tables."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return True
        try:
            with contextlib.closing(sqlite3.connect(_uri(self.path, "ro"), uri=True)) as existing:
                sql = "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                return not existing.execute(sql).fetchone()[0]
        except sqlite3.Error as error:
            raise TargetError(f"The target {self.path} cannot be used: {_reason(error)}.") from error

    def create(self, schema: Schema, clean: bool) -> tuple[Finding, ...]:
        """Create the tables in the new file; TargetError if the old one holds tables and ``clean`` is not given."""
        if not self.is_empty() and not clean:
            raise TargetError(f"The target {self.path} is not empty: give --clean to replace what is there.")
        own, findings = translate(schema, self.dialect)
        self._tables = {theirs.name: ours for theirs, ours in zip(schema.tables, own.tables, strict=True)}
        with self._writing():
            self._temporary = _new_file_beside(self.path)
            self._connection = sqlite3.connect(self._temporary, isolation_level=None)
            # Nobody else sees the file before it is renamed: a journal would protect nothing.
            self._execute("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA foreign_keys = OFF")
            self._execute("BEGIN", *create_statements(own), "COMMIT")
            self._arrow = _adbc(str(self._temporary))
            self._arrow.execute("PRAGMA cache_size = -65536")
        return findings

    def load(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Append the rows in the storage form that the source uses."""
        own = self._tables[table.name]
        written = 0
        assert self._arrow is not None
        with self._writing():
            for batch in batches:
                rows = pa.Table.from_batches([batch])
                types = {theirs.name: ours for theirs, ours in zip(table.columns, own.columns, strict=True)}
                columns = [types[name] for name in rows.column_names]
                data = [
                    to_storage(values, with_fraction(values, column.type))
                    for values, column in zip(rows.columns, columns, strict=True)
                ]
                self._arrow.ingest(own.name.name, pa.table(data, names=[column.name for column in columns]))
                written += len(rows)
            self._arrow.commit()
        return written

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
        return int(self._connection.execute(sql).fetchone()[0] or 0)

    def commit(self) -> None:
        """Put the new file in the place of the old one, in one step."""
        assert self._temporary is not None
        with self._writing():
            self._disconnect()
            if self.path.exists():
                _take_over(self.path, self._temporary)
            else:
                self._temporary.chmod(0o666 & ~_umask())
            _flush(self._temporary)
            self._temporary.replace(self.path)
            self._temporary = None

    def rollback(self) -> None:
        """Remove the new file; the old one was never touched."""
        self._disconnect()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def close(self) -> None:
        self.rollback()

    def _execute(self, *statements: str) -> None:
        assert self._connection is not None
        for statement in statements:
            self._connection.execute(statement)

    def _create_later(self, statements: Iterable[str]) -> Iterator[Finding]:
        """Views and triggers; SQLite accepts a view on missing tables, so each view is asked for its columns."""
        assert self._connection is not None
        for statement in statements:
            last = self.count("SELECT max(rowid) FROM sqlite_master")
            try:
                self._execute(statement)
                self._probe_view(last)
            except sqlite3.Error:
                name = " ".join(statement.split()[:3])
                message = f"SQLite refuses {name!r}: it refers to something that is not in the clone."
                yield Finding(Severity.WARNING, "not-copied", None, (), message)

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
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise WriteError(f"The target {self.path} cannot be written: {_reason(error)}.") from error
        except Exception as error:
            if type(error).__module__.startswith("adbc_driver_manager"):
                raise WriteError(f"The target {self.path} cannot be written: {_reason(error)}.") from error
            raise


def _new_file_beside(path: Path) -> Path:
    """An empty file readable by its owner only, in the same directory, so that a rename suffices."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".dbclone", dir=path.parent)
    os.close(handle)
    return Path(name)


def _take_over(old: Path, new: Path) -> None:
    """Make sure that nobody uses the old file, remove its logs, and give the new file its permissions."""
    if old.stat().st_size:
        with contextlib.closing(sqlite3.connect(old, isolation_level=None, timeout=1.0)) as existing:
            existing.execute("PRAGMA journal_mode = DELETE")
            existing.execute("BEGIN EXCLUSIVE")
            existing.execute("ROLLBACK")
    new.chmod(old.stat().st_mode & 0o777)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _flush(path: Path) -> None:
    """Bring the file to disk before its name changes, so that a power cut leaves the old or the new one."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())

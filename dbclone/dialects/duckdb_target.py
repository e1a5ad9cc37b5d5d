"""A DuckDB file as target: built under another name beside it, and put in place by one rename.

Rows are first loaded into temporary tables without constraints, since references may lead to rows that come later;
``finish`` creates the tables with all that DuckDB can hold and fills them, parents first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dbclone.dialects import duckdb_ddl as ddl
from dbclone.dialects.base import quote, quote_all
from dbclone.dialects.files import file_identity
from dbclone.dialects.translation import translate
from dbclone.errors import IntegrityError, MissingExtraError, TargetError, WriteError
from dbclone.findings import Finding
from dbclone.matching import Rows, parent_rows
from dbclone.schema import ForeignKey, Schema, Table, TableName, TypeFamily
from dbclone.temporary import Workshop, flush, usual_mode

if TYPE_CHECKING:
    import duckdb


class DuckdbTarget:
    """A DuckDB file that is built under another name beside it, and put in place by ``commit``."""

    dialect = "duckdb"

    def __init__(self, path: Path) -> None:
        self._duckdb = _library()
        if path.is_dir():
            raise TargetError(f"The target {path} is a directory, not a DuckDB file.")
        if not path.resolve().parent.is_dir():
            raise TargetError(f"The target's directory {path.resolve().parent} does not exist.")
        self.path = path.resolve()
        self.identity = file_identity(path)
        self._workshop: Workshop | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._tables: dict[TableName, Table] = {}
        self._staged: dict[TableName, pa.Schema] = {}
        self._prefix = "arriving"

    def is_empty(self) -> bool:
        """True if the file is missing or a database without tables and views; TargetError if it is something else."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return True
        sql = (
            "SELECT (SELECT count(*) FROM duckdb_tables() WHERE NOT internal)"
            " + (SELECT count(*) FROM duckdb_views() WHERE NOT internal)"
        )
        try:
            with contextlib.closing(self._connect(self.path, read_only=True)) as existing:
                return not _single(existing.execute(sql))
        except self._duckdb.Error as error:
            raise TargetError(f"The target {self.path} cannot be used: {_reason(error)}.") from None

    def create(self, schema: Schema, clean: bool) -> tuple[Finding, ...]:
        """Open the new file; TargetError if the old one holds anything and ``clean`` is not given."""
        if not self.is_empty() and not clean:
            raise TargetError(f"The target {self.path} is not empty: give --clean to replace what is there.")
        own, findings = translate(schema, self.dialect)
        self._tables = {theirs.name: ours for theirs, ours in zip(schema.tables, own.tables, strict=True)}
        while any(table.name.name.lower().startswith(self._prefix) for table in own.tables):
            self._prefix += "_"
        with self._writing():
            self._workshop = Workshop(self.path)
            self._workshop.file.unlink()  # an empty file is no DuckDB database
            self._connection = self._connect(self._workshop.file)
            self._workshop.file.chmod(0o600)
        return (*findings, *map(self._named, ddl.held(own).findings))

    def load(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Stream the rows into a temporary table."""
        own, rows = self._tables[table.name], iter(batches)
        first = next(rows, None)
        if first is None or not first.schema.names:
            return 0
        names = {theirs.name: ours.name for theirs, ours in zip(table.columns, own.columns, strict=True)}
        # Renamed before DuckDB sees them, to which names that differ by case alone are one.
        renamed = pa.schema([field.with_name(names[field.name]) for field in first.schema])
        staged = pa.schema([field.with_name(self._staged_as(field.name)) for field in renamed])
        batches = (pa.RecordBatch.from_arrays(batch.columns, schema=staged) for batch in chain([first], rows))
        arriving, columns = pa.RecordBatchReader.from_batches(staged, batches), quote_all(staged.names)
        with self._writing(own):
            self._open().register(self._prefix, arriving)
            if own.name in self._staged:
                into = f"INSERT INTO {self._stage(own)} ({columns})"
            else:
                into = f"CREATE TEMP TABLE {self._stage(own)} AS"
            [number] = self._open().execute(f"{into} SELECT {columns} FROM {self._prefix}").fetchone() or (0,)
            self._open().unregister(self._prefix)
        self._staged[own.name] = renamed
        return int(number)

    def finish(self, schema: Schema) -> tuple[Finding, ...]:
        """The tables with their constraints, filled, parents first; then indexes and statistics."""
        own, _ = translate(schema, self.dialect)
        kept, findings = ddl.held(own), []
        types: dict[TableName, dict[str, str]] = {}
        for name in kept.order:
            table = own.table(name)
            types[name] = self._types(table, kept.references[name], types)
            references, above = list(kept.references[name]), list[Rows]()
            for key in (key for key in kept.references[name] if key.parent == name):
                rows = self._rows_above(table, key)
                if _levels([*above, rows]) is None:
                    references.remove(key)
                    findings.append(ddl.self_reference_lost(table, key))
                else:
                    above.append(rows)
            with self._writing(table):
                self._create_sequences(table)
                self._execute(ddl.create_table(table, references, kept.checks[name], types[name]))
                self._fill(table, _levels(above) if above else None)
                self._execute(*ddl.index_statements(table))
        with self._writing():
            self._execute("ANALYZE")
        return tuple(map(self._named, findings))

    def count(self, sql: str) -> int:
        """The single integer that a query on the new file returns."""
        return _single(self._open().execute(sql))

    def commit(self) -> None:
        """Put the new file in the place of the old one, in one step."""
        assert self._workshop is not None
        new = self._workshop.file
        with self._writing():
            self._execute("CHECKPOINT")
            self._disconnect()
            mode = usual_mode()
            if self.path.exists():
                mode = self.path.stat().st_mode & 0o777
                self._take_over()
            new.chmod(mode)
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

    def _open(self) -> duckdb.DuckDBPyConnection:
        assert self._connection is not None
        return self._connection

    def _connect(self, path: Path, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        """A connection; nothing is ever fetched from the network for it."""
        offline = {"autoinstall_known_extensions": "false"}
        opened: duckdb.DuckDBPyConnection = self._duckdb.connect(str(path), read_only=read_only, config=offline)
        return opened

    def _named(self, finding: Finding) -> Finding:
        """A finding about the source's table instead of the target's."""
        theirs = next(theirs for theirs, ours in self._tables.items() if ours.name == finding.table)
        return replace(finding, table=theirs, subject=finding.subject.removesuffix(str(finding.table)) + str(theirs))

    def _stage(self, table: Table) -> str:
        """The temporary table of a table.  It has another name than any table: a temporary one would be found first."""
        return f"temp.{quote(self._prefix + table.name.name)}"

    def _staged_as(self, column: str) -> str:
        """A column's name in the temporary table, which must not hide the place of a row."""
        return f"{self._prefix}_{column}" if column.lower() == "rowid" else column

    def _execute(self, *statements: str) -> None:
        for statement in statements:
            self._open().execute(statement)

    def _types(
        self, table: Table, references: Iterable[ForeignKey], above: dict[TableName, dict[str, str]]
    ) -> dict[str, str]:
        """The type of each column: that of the parent's where it refers to one, digits as rows have them."""
        types = {column.name: column.type.sql for column in table.columns}
        for field in self._staged.get(table.name, ()):
            declared = table.column(field.name).type
            if declared.family is TypeFamily.DECIMAL and declared.precision is None:
                exact = pa.types.is_decimal(field.type)
                types[field.name] = f"DECIMAL(38,{max(field.type.scale, 0)})" if exact else "DOUBLE"
        for key in references:
            theirs = types if key.parent == table.name else above[key.parent]
            types |= {own: theirs[their] for own, their in zip(key.columns, key.parent_columns, strict=True)}
        return types

    def _create_sequences(self, table: Table) -> None:
        """The application's next INSERT must find a free number."""
        for column in ddl.numbered(table):
            last = 0
            if table.name in self._staged:
                largest = f"SELECT max({quote(self._staged_as(column.name))}) FROM {self._stage(table)}"
                last = _single(self._open().execute(largest))
            self._execute(f"CREATE SEQUENCE {ddl.sequence_name(table, column)} START {max(last, 0) + 1}")

    def _fill(self, table: Table, levels: Rows | None) -> None:
        """Move the rows from the temporary table; those that refer to rows of the same table after these."""
        if table.name not in self._staged:
            return
        names = self._staged[table.name].names
        columns, staged = quote_all(names), quote_all(map(self._staged_as, names))
        move = f"INSERT INTO {quote(table.name.name)} ({columns}) SELECT {staged} FROM {self._stage(table)} AS stage"
        try:
            if levels is None or not levels.any():
                self._execute(move)
            else:
                self._open().register(self._prefix, pa.table({"row": np.arange(len(levels)), "level": levels}))
                for level in range(int(levels.max()) + 1):  # not joined: the table may have a column "level" itself
                    of_level = f"SELECT levels.row FROM {self._prefix} AS levels WHERE levels.level = {level}"
                    self._execute(f"{move} WHERE stage.rowid IN ({of_level})")
                self._open().unregister(self._prefix)
        except (self._duckdb.ConversionException, self._duckdb.OutOfRangeException):
            raise WriteError(self._misfit(table)) from None
        self._execute(f"DROP TABLE {self._stage(table)}")

    def _rows_above(self, table: Table, key: ForeignKey) -> Rows:
        """The place of the row of its own table to which each row refers."""
        if table.name not in self._staged:
            return np.zeros(0, dtype=np.int64)
        names = dict.fromkeys((*key.columns, *key.parent_columns))
        columns = ", ".join(f"{quote(self._staged_as(name))} AS {quote(name)}" for name in names)
        ordered = f"SELECT {columns} FROM {self._stage(table)} AS stage ORDER BY stage.rowid"
        rows = self._open().sql(ordered).to_arrow_table()
        return parent_rows(rows, rows, key)

    def _misfit(self, table: Table) -> str:
        """Which column a value does not fit; DuckDB's own message quotes the value."""
        for column in table.columns:
            if column.name in self._staged[table.name].names:
                cast = f"CAST({quote(self._staged_as(column.name))} AS {column.type.sql})"
                try:
                    self._execute(f"SELECT count({cast}) FROM {self._stage(table)}")
                except self._duckdb.Error:
                    return f"A value does not fit table {table.name}, column {column.name} of type {column.type.sql}."
        return f"A value does not fit table {table.name}."

    def _take_over(self) -> None:
        """Make sure that nobody uses the old file, and that nothing of it is left to be replayed into the new one."""
        if self.path.stat().st_size:
            self._connect(self.path).close()
        _log(self.path).unlink(missing_ok=True)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @contextlib.contextmanager
    def _writing(self, table: Table | None = None) -> Iterator[None]:
        where = f" of table {table.name}" if table is not None else ""
        try:
            yield
        except self._duckdb.ConstraintException as error:
            raise IntegrityError(f"The target's {_kind(error)} failed{where}.") from None
        except (self._duckdb.Error, OSError) as error:
            raise WriteError(f"The target {self.path} cannot be written: {_reason(error)}{where}.") from None


def _library() -> Any:
    try:
        import duckdb
    except ImportError:
        message = "DuckDB targets need the extra 'duckdb': pip install 'dbclone[duckdb]'."
        raise MissingExtraError(message) from None
    return duckdb


def _single(result: duckdb.DuckDBPyConnection) -> int:
    row = result.fetchone()
    return int(row[0] or 0) if row else 0


def _levels(above: Sequence[Rows]) -> Rows | None:
    """In which round each row can be written after all rows to which it refers; None if there is no end to it."""
    levels = np.full(len(above[0]), -1, dtype=np.int64)
    waiting, level = np.arange(len(levels)), 0
    while waiting.size:
        free = np.ones(len(waiting), dtype=bool)
        for rows in above:
            free &= (rows[waiting] < 0) | (levels[rows[waiting]] >= 0)
        if not free.any():
            return None
        levels[waiting[free]] = level
        waiting, level = waiting[~free], level + 1
    return levels


def _log(path: Path) -> Path:
    """The write-ahead log of a DuckDB file."""
    return path.with_name(path.name + ".wal")


_KINDS = ("NOT NULL", "CHECK", "unique", "primary key", "foreign key")
_REASONS = (
    ("not a valid duckdb", "it is not a DuckDB database"),
    ("sqlite", "it is not a DuckDB database"),
    ("could not set lock", "another program has locked it"),
    ("conflicting lock", "another program has locked it"),
    ("no space", "database or disk is full"),
    ("file too large", "database or disk is full"),
    ("permission denied", "permission denied"),
    ("read-only", "it is read-only"),
)


def _kind(error: Exception) -> str:
    """Which sort of constraint a message is about; the message itself quotes values."""
    found = next((kind for kind in _KINDS if kind.lower() in str(error).lower()), "a")
    return f"{found} constraint"


def _reason(error: Exception) -> str:
    text = str(error).lower()
    known = next((words for word, words in _REASONS if word in text), None)
    return known or f"DuckDB reports {type(error).__name__}"

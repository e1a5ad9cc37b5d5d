"""A MariaDB or MySQL database as source: read-only, in one consistent snapshot of one session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from pymysql.cursors import SSCursor

from dbclone.dialects.base import quote
from dbclone.dialects.mysql_catalogue import read_catalogue
from dbclone.dialects.mysql_reflection import Reflection, reflect
from dbclone.dialects.mysql_session import ANSI_MODE, PLAIN_MODE, connect, identity, reading
from dbclone.dialects.mysql_values import (
    apart_expression,
    apart_table,
    line_expression,
    longest_row,
    parse_lines,
    range_condition,
    to_canonical,
)
from dbclone.errors import SourceError
from dbclone.findings import Finding, Severity
from dbclone.schema import Column, Schema, Table, TableName, TypeFamily

_SNAPSHOT = (
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_BLOCK_ROWS = 50_000
_BLOCK_BYTES = 1 << 26
_SHORT_BYTES = 1 << 19
"""All columns of a row that are not long take fewer: InnoDB's rows have at most 65,535 bytes."""


class MysqlSource:
    """One session sees one snapshot until it is closed."""

    dialect = "mysql"

    def __init__(self, url: str, shown: str) -> None:
        self._shown = shown
        self._session = connect(url, shown)
        self._reflection: Reflection | None = None
        self._findings: tuple[Finding, ...] = ()
        try:
            with reading("the source"):
                self.identity = identity(self._session)
                for statement in _SNAPSHOT:
                    self._session.execute(statement)
        except BaseException:
            self._session.close()
            raise

    def reflect(self) -> Schema:
        """The schema of all tables of the database; SourceError if there is none."""
        if self._reflection is None:
            with reading("the catalogue"):
                self._session.mode(PLAIN_MODE)
                catalogue = read_catalogue(self._session)
                self._session.mode(ANSI_MODE)
            self._reflection = reflect(catalogue, self._session)
            self._findings += self._reflection.findings
        if not self._reflection.schema.tables:
            raise SourceError(f"The source {self._shown} has no tables.")
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
        if not wanted:
            return pa.table({})
        with reading(f"table {table.name}"):
            raw = self._raw(table, wanted)
        data = []
        for at, column in enumerate(wanted):
            values = to_canonical(raw.column(at), column.type)
            if values.null_count and (condition := range_condition(column)):
                self._report_zero_dates(table, column, condition)
            data.append(values)
        return pa.table(data, names=[column.name for column in wanted])

    def count(self, sql: str) -> int:
        """The single integer that a query returns."""
        with reading("the source"):
            return int(self._session.scalar(sql) or 0)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._findings

    def close(self) -> None:
        """Give the snapshot back; a second call does nothing."""
        self._session.close()

    def _raw(self, table: Table, columns: Sequence[Column]) -> pa.Table:
        """The rows as texts; column by column where a row could be longer than the server's longest text."""
        keys = [f"source.{quote(column)}" for column in table.primary_key.columns] if table.primary_key else []
        tail = f" FROM {quote(table.name.name)} AS source" + (f" ORDER BY {', '.join(keys)}" if keys else "")
        values = self._spellings(table, columns)
        if self._is_long(table, columns):
            apart = ", ".join(apart_expression(column, values.get(column.name, "")) for column in columns)
            parts = [apart_table(rows, columns) for rows in self._blocks(f"SELECT {apart}{tail}")]
        else:
            blocks = self._blocks(f"SELECT {line_expression(columns, values)}{tail}")
            parts = [parse_lines([row[0] or b"" for row in block], columns) for block in blocks]
        return pa.concat_tables(parts) if parts else apart_table([], columns)

    def _is_long(self, table: Table, columns: Sequence[Column]) -> bool:
        bound = longest_row(columns)
        if bound is None:
            return False
        most = int(self._session.scalar("SELECT @@max_allowed_packet"))
        return self.count(f"SELECT {bound} FROM {quote(table.name.name)}") >= most - _SHORT_BYTES

    def _spellings(self, table: Table, columns: Sequence[Column]) -> dict[str, str]:
        """What stands for texts that refer to a parent by a collation: the parent's own spelling, to others unequal."""
        texts = {c.name for c in columns if c.type.family is TypeFamily.TEXT and not _is_exact(c)}
        spelled: dict[str, str] = {}
        for key in table.foreign_keys:
            pairs = list(zip(key.columns, key.parent_columns, strict=True))
            equal = " AND ".join(f"parent.{quote(theirs)} = source.{quote(own)}" for own, theirs in pairs)
            for own, theirs in pairs:
                found = f"FROM {quote(key.parent.name)} AS parent"
                differ = f"CAST(parent.{quote(theirs)} AS binary) <> CAST(source.{quote(own)} AS binary)"
                doubtful = f"SELECT count(*) {found} JOIN {quote(table.name.name)} AS source ON {equal} WHERE {differ}"
                if own in texts and key.virtual is None and self.count(doubtful):
                    place = f"(SELECT parent.{quote(theirs)} {found} WHERE {equal} LIMIT 1)"
                    spelled[own] = f"coalesce({place}, source.{quote(own)})"
        return spelled

    def _blocks(self, sql: str) -> Iterator[Sequence[Sequence[bytes | None]]]:
        with self._session.connection.cursor(SSCursor) as cursor:
            cursor.execute(sql)
            block: list[Sequence[bytes | None]] = []
            size = 0
            while row := cursor.fetchone():
                block.append(row)
                size += sum(len(value) for value in row if value is not None)
                if len(block) >= _BLOCK_ROWS or size >= _BLOCK_BYTES:
                    yield block
                    block, size = [], 0
            if block:
                yield block

    def _report_zero_dates(self, table: Table, column: Column, condition: str) -> None:
        name = quote(column.name)
        # A zero date in a column that may not be NULL counts as NULL to IS NULL, but not to <=>.
        where = f"NOT ({name} <=> NULL) AND NOT coalesce({condition}, FALSE)"
        lost = self.count(f"SELECT count(*) FROM {quote(table.name.name)} WHERE {where}")
        if lost:
            message = "Dates that are no days of the calendar (zero dates) are read as NULL."
            finding = Finding(Severity.WARNING, "type-fallback", table.name, (column.name,), message, lost)
            if finding not in self._findings:
                self._findings += (finding,)


def _is_exact(column: Column) -> bool:
    """Whether only equal texts are equal to the server."""
    return (column.collation or "").endswith(("_nopad_bin", "_0900_bin"))

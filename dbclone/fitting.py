"""The steps read and fit: every table is read once, then the chosen engine learns from the rows."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

import pyarrow as pa

from dbclone import engines
from dbclone.abc import Model, Progress, Read, Source
from dbclone.options import FitOptions
from dbclone.plan import Plan, TableRole
from dbclone.schema import Schema, TableName
from dbclone.split_rows import split_rows


class Reader:
    """A ``Read`` that asks the source once per table and remembers the rows and how long they took."""

    def __init__(self, source: Source, schema: Schema, progress: Progress) -> None:
        self._source = source
        self._schema = schema
        self._progress = progress
        self._tables: dict[TableName, pa.Table] = {}
        self._seconds: dict[TableName, float] = {}

    def __call__(self, table: TableName) -> pa.Table:
        if table not in self._tables:
            began = perf_counter()
            self._tables[table] = self._source.read(self._schema.table(table))
            self._seconds[table] = perf_counter() - began
            self._progress.advance(self._tables[table].num_rows, table)
        return self._tables[table]

    def use(self, schema: Schema) -> None:
        """Read rows as ``schema`` has them, which differs from the source's in tables that virtual keys split."""
        for table in schema.tables:
            if table.whole is not None:
                self._tables[table.name] = split_rows(table, self(table.name))

    @property
    def seconds(self) -> Mapping[TableName, float]:
        """Seconds that reading took, per table read so far."""
        return self._seconds

    def forget(self) -> None:
        """Let go of all rows: after the fit they are only a burden."""
        self._tables.clear()


def check_engine(options: FitOptions) -> None:
    """Raise UsageError if there is no such engine, MissingExtraError if it is not installed."""
    engines.choose(options.engine)


def check_limits(schema: Schema, rows: Mapping[TableName, int], options: FitOptions) -> None:
    """Raise EngineLimitError if the schema with so many ``rows`` per table is beyond the chosen engine."""
    engines.choose(options.engine).check_limits(schema, rows)


def fit(plan: Plan, read: Read, options: FitOptions, progress: Progress) -> Model:
    """Read the tables that have rows to learn from or to copy, and fit the chosen engine to them.

    Reading belongs to the phase that the planner began: it has read most tables already.
    """
    for table in plan.tables:
        if table.role is not TableRole.EMPTY:
            read(table.table)
    return engines.choose(options.engine).fit(plan, read, options, progress)

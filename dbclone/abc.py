"""The protocols that cross layers: what a source, a target, an engine and a progress display must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from dbclone.findings import Finding
from dbclone.options import FitOptions, GenerateOptions
from dbclone.plan import Plan
from dbclone.schema import Schema, Table, TableName


class Source(Protocol):
    """A database that is read and never written, seen in one consistent snapshot until it is closed."""

    dialect: str
    identity: str
    """Says which database this is, whatever URL led to it."""

    def reflect(self) -> Schema: ...

    def row_counts(self, schema: Schema) -> Mapping[TableName, int]: ...

    def read(self, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows in primary-key order (else physical order), by default all insertable columns, in canonical types.

        BOOLEAN bool · INTEGER int64 · DECIMAL decimal128 or, where the product keeps no exact decimals, float64 ·
        FLOAT float64 · TEXT, ENUM, UUID, JSON string · DATE date32 · TIME time64[us] · TIMESTAMP timestamp[us]
        (UTC where it has a time zone) · BYTES binary · everything else (INTERVAL, ARRAY, OPAQUE) string as the
        product prints it.  A value that the family cannot hold becomes NULL and is reported in ``findings``.
        """
        ...

    def count(self, sql: str) -> int:
        """The single integer that a query returns: how ``checking`` proves things."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]: ...

    def close(self) -> None: ...


class Target(Protocol):
    """A database that is written as a whole or not at all: nothing is visible before ``commit``."""

    dialect: str
    identity: str

    def is_empty(self) -> bool: ...

    def create(self, schema: Schema, clean: bool) -> tuple[Finding, ...]:
        """Create tables without foreign keys and secondary indexes; with ``clean``, first drop what is there."""
        ...

    def load(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk-load rows (canonical Arrow types of ``Source.read``); the number of rows written."""
        ...

    def finish(self, schema: Schema) -> tuple[Finding, ...]:
        """Foreign keys, indexes, sequences' positions, views; then statistics (ANALYZE)."""
        ...

    def count(self, sql: str) -> int:
        """The single integer that a query returns: how ``checking`` proves things."""
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class Progress(Protocol):
    """Where a long run tells how far it is."""

    def phase(self, name: str, total: int) -> None:
        """A phase of the sentence begins; ``total`` is its amount of work in the unit that ``advance`` counts."""
        ...

    def advance(self, amount: int, table: TableName | None = None) -> None: ...


Read = Callable[[TableName], pa.Table]
"""How an engine gets the real rows of a table: canonical Arrow types, insertable columns, memoised by the caller."""


class Model(Protocol):
    """Something fitted, which needs no source any more."""

    plan: Plan

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader must know about the rows to come: columns whose type is not modelled, and the like."""
        ...

    def generate(self, options: GenerateOptions, progress: Progress) -> Iterator[tuple[TableName, pa.Table]]:
        """The synthetic rows of each table, in load order; every key, reference and NOT NULL holds across them."""
        ...


class Engine(Protocol):
    """A family of interchangeable ways to learn a database."""

    name: str

    def check_limits(self, schema: Schema, rows: Mapping[TableName, int]) -> None:
        """Raise EngineLimitError, naming the limit, if the schema is beyond this engine; no row has been read yet."""
        ...

    def fit(self, plan: Plan, read: Read, options: FitOptions, progress: Progress) -> Model: ...
